/**
 * The namespace's stream: made on first use, looked at again and again.
 *
 * Looking tells three things that change without us: that the stream is still there (one in
 * memory dies with its server), that it is still the same one (its birth is part of every
 * revision), and what the server's clock says. It happens on first use, after each reconnect,
 * whenever an answer does not fit, and every 30 seconds of use.
 */
import { isQuorateError, withDeadline } from "@quorate/core";
import type { EventChannel, Ms, Runtime } from "@quorate/core";
import { Budget } from "./budget.ts";
import { refused, revisionReset, unavailable } from "./failures.ts";
import { asNumber, asObject, asString, ErrCode, type JsonObject } from "./jetstream/answers.ts";
import type { ApiError } from "./jetstream/answers.ts";
import { BACKOFF, type JetStreamApi } from "./jetstream/api.ts";
import type { Link } from "./link/link.ts";
import { parseTimeUs, Positions } from "./positions.ts";
import type { ServerClock } from "./server-clock.ts";
import { judgeConfig, type StreamChoice, streamConfig, type StreamFacts } from "./stream-config.ts";
import type { Subjects } from "./subjects.ts";
import { checkReplicas, unsupported } from "./version.ts";

/** Looked at again when in use and older than this. */
const LOOK_LASTS_MS = 30_000;

/** What the channel `nats` tells about the stream. */
export interface StreamEvent {
  readonly kind: "stream-created" | "stream-replaced" | "stream-rewound";
  readonly stream: string;
}

/** What a stream is made of. */
export interface StreamParts {
  readonly api: JetStreamApi;
  readonly link: Link;
  readonly subjects: Subjects;
  readonly choice: StreamChoice;
  readonly clock: ServerClock;
  readonly runtime: Runtime;
  readonly requestTimeoutMs: Ms;
}

/** One namespace's stream. */
export class Stream {
  readonly positions: Positions = new Positions();
  readonly #parts: StreamParts;
  readonly #events: EventChannel<StreamEvent>;
  #facts: StreamFacts | undefined;
  #lookedMs = -Infinity;
  /** Found in the background; the next call must be told. */
  #reset: Error | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#events = parts.runtime.events.channel<StreamEvent>("nats");
    // What a new server has must be seen, soon but without holding anybody up.
    parts.link.listen({ up: () => (this.#lookedMs = -Infinity) });
  }

  /** What it turned out to be; `undefined` before it was first used. */
  get facts(): StreamFacts | undefined {
    return this.#facts;
  }

  /** Resolves when the stream is known to be there; at once where it was seen lately. */
  async ensure(budget: Budget, operation: string): Promise<void> {
    if (this.#facts === undefined) return this.look(budget, operation);
    this.#throwReset();
    const { runtime, requestTimeoutMs } = this.#parts;
    if (runtime.time.monotonicMs() - this.#lookedMs <= LOOK_LASTS_MS) return;
    this.#lookedMs = runtime.time.monotonicMs();
    const background = new Budget(runtime, { timeoutMs: requestTimeoutMs, signal: undefined });
    this.lookQuietly(background, "stream check").catch(() => {});
  }

  /**
   * Looks at the stream now, and makes it if it is not there.
   *
   * @throws UNSUPPORTED, STORE_REFUSED it cannot serve. @throws REVISION_RESET it went back.
   */
  async look(budget: Budget, operation: string): Promise<void> {
    // One look serves all who wait; but a stranger's abort or shorter deadline must not end mine.
    while (this.#looking !== undefined) {
      const { leftMs: timeoutMs, signal } = budget;
      const onTimeout = (): Error => unavailable(operation, "the stream was not seen in time");
      const theirs = this.#looking.then(
        () => true,
        () => false,
      );
      const done = await withDeadline(this.#parts.runtime, theirs, {
        timeoutMs,
        signal,
        onTimeout,
      });
      if (done) return;
    }
    this.#looking = this.#look(budget, operation).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** As `look`, but a stream that went back is left for the next call to be told. */
  async lookQuietly(budget: Budget, operation: string): Promise<void> {
    try {
      await this.look(budget, operation);
    } catch (error) {
      if (!isQuorateError(error, "REVISION_RESET")) throw error;
      this.#reset = error;
    }
  }

  #throwReset(): void {
    const reset = this.#reset;
    this.#reset = undefined;
    if (reset !== undefined) throw reset;
  }

  async #look(budget: Budget, operation: string): Promise<void> {
    const { api, choice, link, subjects } = this.#parts;
    if (!(await link.whenUp(budget.leftMs, budget.signal))) {
      budget.signal?.throwIfAborted();
      throw unavailable(operation, "no connection to a NATS server");
    }
    checkReplicas(link.connection.info?.version ?? "unknown", choice.replicas ?? 1);
    const mark = this.positions.mark();
    const subject = `STREAM.INFO.${subjects.streamName}`;
    let isMade = false;
    let backoffMs: Ms = BACKOFF.firstMs;
    while (budget.open) {
      const answer = await api.request({ subject, operation, budget });
      if (answer.kind === "ok") return this.#adopt(answer.body, mark);
      const { error } = answer;
      if (error.errCode !== ErrCode.streamNotFound) throw this.#failure(operation, error);
      isMade = isMade || (await this.#create(budget, operation));
      if (backoffMs > BACKOFF.firstMs) await budget.pause(backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF.longestMs);
    }
    budget.signal?.throwIfAborted();
    // A cluster whose leader has just changed may not know for a while what it has made.
    throw unavailable(operation, `the servers do not find stream ${subjects.streamName} yet`);
  }

  /** True when it was made by this call; false when, so they say, another's was there before. */
  async #create(budget: Budget, operation: string): Promise<boolean> {
    const { api, choice, link, subjects } = this.#parts;
    const version = link.connection.info?.version ?? "unknown";
    const answer = await api.request({
      subject: `STREAM.CREATE.${subjects.streamName}`,
      body: streamConfig(subjects, choice, version),
      operation,
      budget,
    });
    if (answer.kind === "ok") {
      this.#tell("stream-created");
      return true;
    }
    // Another process was faster: what it made is judged like any other.
    if (answer.error.errCode === ErrCode.streamNameInUse) return false;
    throw this.#failure(operation, answer.error);
  }

  #adopt(body: JsonObject, mark: ReturnType<Positions["mark"]>): void {
    const { clock, link, subjects, choice, runtime } = this.#parts;
    const birthUs = parseTimeUs(asString(body["created"]) ?? "");
    const lastSeq = asNumber(asObject(body["state"])?.["last_seq"]);
    const config = asObject(body["config"]);
    if (birthUs === undefined || lastSeq === undefined || config === undefined) {
      throw unsupported("jetstream api", "STREAM.INFO lacks created, state or config");
    }
    const facts = judgeConfig(config, subjects, choice);
    checkReplicas(link.connection.info?.version ?? "unknown", facts.replicas);
    const nowUs = parseTimeUs(asString(body["ts"]) ?? "");
    if (nowUs !== undefined) clock.observe(nowUs / 1_000);
    const seen = this.positions.observeStream(birthUs, lastSeq, mark);
    this.#facts = { ...facts, tellsTime: nowUs !== undefined };
    this.#lookedMs = runtime.time.monotonicMs();
    if (seen.kind === "same") return;
    this.#tell(seen.kind === "new" ? "stream-replaced" : "stream-rewound");
    if (seen.kind === "rewound") throw revisionReset(subjects.streamName, seen.seen, seen.found);
  }

  #failure(operation: string, error: ApiError): Error {
    const { errCode, description } = error;
    switch (errCode) {
      case ErrCode.notEnabled:
      case ErrCode.notEnabledForAccount:
        return unsupported("jetstream", `${description}: enable JetStream for this account`);
      case ErrCode.subjectsOverlap:
        return unsupported("subjects", `${description}: choose another namespace`);
      case ErrCode.replicasNotSupported:
      case ErrCode.noSuitablePeers:
        return unsupported(
          "replicas",
          `${description}: use replicas: 1, or a cluster of enough nodes`,
        );
      default:
        return refused(operation, `${description} (${errCode})`);
    }
  }

  #tell(kind: StreamEvent["kind"]): void {
    if (!this.#events.hasSubscribers) return;
    this.#events.publish({ kind, stream: this.#parts.subjects.streamName });
  }
}
