/**
 * The link: sends one script and settles it, whatever the client library and the server do.
 *
 * ioredis re-sends what was in flight when a connection broke, or, told not to, never settles it;
 * it queues what it cannot send; its timeouts do not withdraw a command; and it does not notice a
 * server that has stopped. So each call here has a deadline of ours, is handed to the client only
 * while that is connected, and is remembered with the connection it was sent on.
 *
 * Rule of truth: a yes is a yes; a no counts only if the answer is `steady`, that is, the
 * connection did not change between send and answer; silence is unknown. Scripts recognise their
 * own earlier effect by operation id or owner, so sending one again is safe.
 *
 * Guarantees: every call settles within its deadline; `STORE_UNAVAILABLE` means that it was never
 * sent, or was refused each time. Does not guarantee that a call given up will not land: scripts
 * that must not come late carry a time after which they refuse.
 */
import { Bag, type Bagged, type Runtime, type Timer } from "@quorate/core";
import { addressOf, type AnyRedis, isCluster } from "./client.ts";
import { Deadlines } from "./deadlines.ts";
import {
  type About,
  aborted,
  classify,
  type Failure,
  foreignRecord,
  outcomeUnknown,
  readTimeout,
  refused,
  unavailable,
  unsupported,
} from "./errors.ts";
import { LateAbort } from "./late-abort.ts";
import type { Answer, Request } from "./request.ts";
import { WriteBatches } from "./write-batches.ts";

const RETRY_PAUSE_MS = 25;

/** A call under way. */
interface Call extends Bagged {
  /** The link's count of it. */
  readonly number: number;
  readonly request: Request;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  unsubscribe: (() => void) | undefined;
  /** -1 before the first attempt. */
  sentMs: number;
  attempts: number;
  epoch: number;
  /** An attempt may have had its effect without our hearing of it. */
  doubtful: boolean;
  /** Why the server refused last. */
  refusal: string | undefined;
  settled: boolean;
}

/** Sends scripts through a user's client. */
export class Link {
  readonly client: AnyRedis;
  readonly #runtime: Pick<Runtime, "time">;
  readonly #verify: () => Promise<void>;
  readonly #calls = new Bag<Call>();
  #count = 0;
  readonly #waiting = new Set<Call>();
  readonly #pauses = new Set<Timer>();
  readonly #detach: (() => void)[] = [];
  readonly #resends: boolean;
  readonly #onBreak = new Set<() => void>();
  readonly #deadlines: Deadlines;
  /** For calls that have a signal. */
  readonly aborts: LateAbort;
  readonly #writes = new WriteBatches();
  #epoch = 0;
  #verified = false;
  #lastError: unknown;

  constructor(client: AnyRedis, runtime: Pick<Runtime, "time">, verify: () => Promise<void>) {
    this.client = client;
    this.#runtime = runtime;
    this.#verify = verify;
    this.aborts = new LateAbort(runtime);
    this.#deadlines = new Deadlines(runtime, (nowMs) => this.#expireDue(nowMs));
    const options = isCluster(client) ? client.options.redisOptions : client.options;
    // A cluster's own queue re-sends; a single connection only if it was not told otherwise.
    this.#resends = isCluster(client) || options?.autoResendUnfulfilledCommands !== false;
    this.#listen(client, "ready", () => this.#flush());
    this.#listen(client, "close", () => this.#broke());
    this.#listen(client, "end", () => this.#flush());
    this.#listen(client, "error", (error) => this.#refusedEntry(error));
    if (isCluster(client)) this.#listenToNodes(client);
  }

  /** Counts connections: another number, another connection. */
  get epoch(): number {
    return this.#epoch;
  }

  /** True while the client says it is connected. */
  get isReady(): boolean {
    return this.client.status === "ready";
  }

  /** Calls that have not settled. */
  get pending(): number {
    return this.#calls.size;
  }

  /** Calls `listener` whenever a connection broke. Returns the way to unsubscribe. */
  onBreak(listener: () => void): () => void {
    this.#onBreak.add(listener);
    return () => this.#onBreak.delete(listener);
  }

  /** Runs a script. Rejects with a `QuorateError`, or with the reason of the signal of a read. */
  run(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const startedMs = this.#runtime.time.monotonicMs();
      this.#count += 1;
      const call: Call = {
        place: -1,
        number: this.#count,
        request,
        startedMs,
        deadlineMs: startedMs + request.timeoutMs,
        resolve,
        reject,
        unsubscribe: undefined,
        sentMs: -1,
        attempts: 0,
        epoch: 0,
        doubtful: false,
        refusal: undefined,
        settled: false,
      };
      this.#calls.add(call);
      this.#deadlines.expect(call.deadlineMs);
      if (request.signal !== undefined) {
        call.unsubscribe = this.aborts.watch(request.signal, () => this.#abort(call));
      }
      if (this.#verified || request.unchecked === true) this.#attempt(call);
      else this.#verifyFirst(call);
    });
  }

  /** Fails all calls with what `error` makes of each: unsent, or unknown. */
  close(closed: () => Error): void {
    for (const detach of this.#detach.splice(0)) detach();
    for (const pause of this.#pauses) pause.cancel();
    this.#deadlines.close();
    this.aborts.close();
    for (const call of this.#calls.all()) {
      if (!this.#inDoubt(call)) this.#fail(call, closed());
      else this.#fail(call, this.#unknown(call, "the backend was closed before an answer came"));
    }
  }

  #verifyFirst(call: Call): void {
    this.#verify().then(
      () => {
        this.#verified = true;
        this.#attempt(call);
      },
      (error: unknown) => this.#fail(call, error),
    );
  }

  #attempt(call: Call): void {
    if (call.settled) return;
    const { client } = this;
    if (client.status !== "ready") {
      this.#await(call);
      return;
    }
    const { script } = call.request;
    call.attempts += 1;
    call.epoch = this.#epoch;
    if (call.sentMs < 0) call.sentMs = this.#runtime.time.monotonicMs();
    this.#send(call, script.sha, false);
  }

  #send(call: Call, script: string, whole: boolean): void {
    const { client } = this;
    const { keys, args, buffers } = call.request;
    const attempt = call.attempts;
    this.#writes.begin(isCluster(client) ? undefined : client.stream);
    let sent: Promise<unknown>;
    if (buffers === true) {
      const command = whole ? "eval" : "evalsha";
      sent = client.callBuffer(command, script, String(keys.length), ...keys, ...args);
    } else if (whole) sent = client.eval(script, keys.length, ...keys, ...args);
    else sent = client.evalsha(script, keys.length, ...keys, ...args);
    this.#writes.end();
    sent.then(
      (value) => this.#succeed(call, value),
      (error: unknown) => {
        if (call.settled || attempt !== call.attempts) return;
        this.#failed(call, classify(error), error);
      },
    );
  }

  #succeed(call: Call, value: unknown): void {
    if (!this.#settle(call)) return;
    const steady = call.attempts === 1 && call.epoch === this.#epoch;
    call.resolve({ value, steady, sentMs: call.sentMs });
  }

  #failed(call: Call, failure: Failure, error: unknown): void {
    const about = this.#about(call);
    switch (failure.kind) {
      case "no-script":
        return this.#send(call, call.request.script.source, true);
      case "not-now":
        call.refusal = failure.reason;
        return this.#again(call);
      case "unsent":
        call.refusal = "not connected";
        return this.#again(call);
      case "lost":
        this.#lastError = error;
        call.refusal = undefined;
        call.doubtful = true;
        if (call.request.once !== true) return this.#again(call);
        return this.#fail(call, this.#unknown(call, "the connection broke before an answer came"));
      case "refused":
        return this.#refuse(call, refused(about, failure.reason));
      case "unsupported":
        return this.#refuse(call, unsupported("a cluster node", failure.reason));
      case "foreign":
        return this.#refuse(call, foreignRecord(call.request.key ?? "", failure.reason));
    }
  }

  /** A refusal is an answer to one attempt only. */
  #refuse(call: Call, error: Error): void {
    call.refusal = error.message;
    if (this.#inDoubt(call)) this.#fail(call, this.#unknown(call, "then the server refused"));
    else this.#fail(call, error);
  }

  #again(call: Call): void {
    const timer = this.#runtime.time.setTimer(
      RETRY_PAUSE_MS,
      () => {
        this.#pauses.delete(timer);
        this.#attempt(call);
      },
      { keepAlive: false },
    );
    this.#pauses.add(timer);
  }

  /** Waits for a connection, in our own queue: what is in the client's cannot be taken back. */
  #await(call: Call): void {
    const { client } = this;
    if (client.status === "end") {
      const why = "its client was closed, or gave up to reconnect";
      return this.#refuse(call, unavailable(this.#about(call), why, this.#lastError));
    }
    this.#waiting.add(call);
    // A lazy client connects on its first command; we hand it none before it is connected.
    if (client.status === "wait") client.connect().catch(() => {});
  }

  #flush(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) this.#attempt(call);
  }

  #broke(): void {
    this.#epoch += 1;
    if (!this.#resends) {
      // As they were sent: what is sent again in another order would happen in another.
      for (const call of this.#calls.all().toSorted((left, right) => left.number - right.number)) {
        if (call.sentMs < 0 || this.#waiting.has(call)) continue;
        // Nobody will ever settle it (redis/ioredis#2193): it is ours to send again.
        call.doubtful = true;
        call.attempts += 1;
        this.#again(call);
      }
    }
    for (const listener of this.#onBreak) listener();
  }

  /** A password that is wrong does not become right by waiting: whoever waits is told. */
  #refusedEntry(error: unknown): void {
    this.#lastError = error;
    const failure = classify(error);
    if (failure.kind !== "refused") return;
    for (const call of this.#waiting) {
      this.#refuse(call, refused(this.#about(call), failure.reason));
    }
  }

  #abort(call: Call): void {
    const { request } = call;
    const reason: unknown = request.signal?.reason;
    if (request.read === true) return this.#fail(call, reason);
    const effect = this.#inDoubt(call) ? "unknown" : "none";
    const resolve = effect === "none" ? undefined : request.resolve;
    this.#fail(call, aborted(this.#about(call), effect, { cause: reason, resolve }));
  }

  #expire(call: Call): void {
    const about = this.#about(call);
    const { timeoutMs, read } = call.request;
    if (this.#inDoubt(call)) return this.#fail(call, this.#unknown(call, "no answer in time"));
    if (read === true && call.attempts > 0 && call.refusal === undefined) {
      return this.#fail(call, readTimeout(about, timeoutMs));
    }
    const why = call.refusal ?? `not connected within ${timeoutMs} ms`;
    this.#fail(call, unavailable(about, why, this.#lastError));
  }

  /** Whether something that was sent may have happened, or may yet. */
  #inDoubt(call: Call): boolean {
    if (call.request.read === true || call.attempts === 0) return false;
    return call.doubtful || call.refusal === undefined;
  }

  #unknown(call: Call, why: string): Error {
    const afterMs = this.#runtime.time.monotonicMs() - call.startedMs;
    return outcomeUnknown(this.#about(call), why, { afterMs, resolve: call.request.resolve });
  }

  #about(call: Call): About {
    const { operation, key } = call.request;
    return { operation, key, address: addressOf(this.client) };
  }

  #fail(call: Call, error: unknown): void {
    if (this.#settle(call)) call.reject(error);
  }

  #settle(call: Call): boolean {
    if (call.settled) return false;
    call.settled = true;
    this.#calls.remove(call);
    if (this.#waiting.size > 0) this.#waiting.delete(call);
    call.unsubscribe?.();
    return true;
  }

  /** Settles what is due; the next deadline. */
  #expireDue(nowMs: number): number {
    let nextMs = Infinity;
    for (const call of this.#calls.all()) {
      if (call.deadlineMs <= nowMs) this.#expire(call);
      else nextMs = Math.min(nextMs, call.deadlineMs);
    }
    return nextMs;
  }

  #listen(source: AnyRedis, event: string, listener: (argument: unknown) => void): void {
    source.on(event, listener);
    this.#detach.push(() => source.removeListener(event, listener));
  }

  /** In a cluster the connections that break are the nodes'. */
  #listenToNodes(client: AnyRedis): void {
    if (!isCluster(client)) return;
    const listenTo = (node: unknown): void =>
      this.#listen(node as AnyRedis, "close", () => this.#broke());
    for (const node of client.nodes("all")) listenTo(node);
    this.#listen(client, "+node", listenTo);
  }
}
