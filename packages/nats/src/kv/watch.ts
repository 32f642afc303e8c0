/**
 * Watching a key or a prefix: state first, then changes, over however many consumers it takes.
 *
 * One delivery at a time (`delivery.ts`); what it brings is judged by the machine in
 * `watch-state.ts` and handed to the reader's feed. When a delivery ends by itself the reader is
 * told `stale`, and a new delivery begins with the whole state; keys that are missing from it are
 * asked for at the leader, so that a deletion during a disconnect is told and a lagging replica
 * is not believed. Expiry has no message: it is told by our own timer.
 */
import { checkCall, checkTarget, Feed, onAbort } from "@quorate/core";
import type { Change, Entry, Lifecycle, Ms, Runtime, Timer, WatchOptions } from "@quorate/core";
import { Budget } from "../budget.ts";
import { closedForEver } from "../failures.ts";
import type { JetStreamApi } from "../jetstream/api.ts";
import type { Link } from "../link/link.ts";
import { TOMBSTONE_GRACE_MS } from "../messages.ts";
import { endsAtMs, readRecord } from "../record.ts";
import { filterOf, nameOf, type Subjects, subjectOf } from "../subjects.ts";
import { judge, type KvContext, look } from "./context.ts";
import { type Delivered, Delivery, type DeliveryEnd } from "./delivery.ts";
import { keysOf } from "./list.ts";
import { WatchState } from "./watch-state.ts";

/** What a watch needs besides its context. */
export interface WatchParts {
  readonly api: JetStreamApi;
  readonly link: Link;
  readonly subjects: Subjects;
  readonly lifecycle: Lifecycle;
  /** Random name of this backend, and a number that nobody had before. */
  readonly id: string;
  readonly nextNumber: () => number;
}

/** Keys have at least one character, and no control characters: these cannot be one. */
const SYNCED = "\u0000synced";
const STALE = "\u0000stale";
const RETRY_MS = { firstMs: 50, longestMs: 2_000 } as const;
/** Ends of life are told in groups, no finer than this. */
const EXPIRY_STEP_MS = 5;
/** Longest wait for the consumer to be removed. */
const LEAVE_TIMEOUT_MS = 1_000;

/** Changes of `target`. */
export function watch(
  context: KvContext,
  parts: WatchParts,
  target: string,
  options: WatchOptions | undefined,
): AsyncIterableIterator<Change> {
  checkTarget("target", target);
  const { signal } = checkCall({ signal: options?.signal }, context.bounds());
  return new Watch(context, parts, target, signal).feed;
}

class Watch {
  readonly feed: Feed<Change>;
  readonly #context: KvContext;
  readonly #parts: WatchParts;
  readonly #target: string;
  readonly #runtime: Runtime;
  readonly #state = new WatchState();
  /** Keys of which the reader may not have been handed anything yet. */
  readonly #news = new Set<string>();
  readonly #left = new AbortController();
  readonly #unstop: () => void;
  #expiry: Timer | undefined;
  #goodMs: Ms;

  constructor(
    context: KvContext,
    parts: WatchParts,
    target: string,
    signal: AbortSignal | undefined,
  ) {
    this.#context = context;
    this.#parts = parts;
    this.#target = target;
    this.#runtime = context.runtime;
    this.#goodMs = context.runtime.time.monotonicMs();
    this.feed = new Feed<Change>({ signal, onEnd: () => this.#left.abort() });
    const { stopping } = parts.lifecycle;
    this.#unstop = onAbort(stopping, () => this.feed.end());
    // In flight until the server has been told: closing the backend waits for that.
    parts.lifecycle.track(this.#run()).catch((error: unknown) => this.feed.fail(error));
  }

  async #run(): Promise<void> {
    let retryMs: number = RETRY_MS.firstMs;
    try {
      while (!this.#left.signal.aborted) {
        const lived = await this.#deliver();
        retryMs = lived ? RETRY_MS.firstMs : Math.min(retryMs * 2, RETRY_MS.longestMs);
        await this.#budget(retryMs).pause(retryMs);
      }
    } finally {
      this.#unstop();
      this.#expiry?.cancel();
    }
  }

  /** One delivery, from its making to its end. True if it came as far as the whole state. */
  async #deliver(): Promise<boolean> {
    const { link, id, nextNumber, subjects, api } = this.#parts;
    const { stream, bounds, space } = this.#context;
    if (!(await link.whenUp(Number.MAX_SAFE_INTEGER, this.#left.signal))) {
      if (link.closedForEver) this.#fail();
      return false;
    }
    const number = nextNumber();
    let lived = false;
    let end: (end: DeliveryEnd) => void = () => {};
    const ended = new Promise<DeliveryEnd>((resolve) => (end = resolve));
    const startedMs = this.#runtime.time.monotonicMs();
    const delivery: Delivery = new Delivery({
      api,
      link,
      runtime: this.#runtime,
      streamName: subjects.streamName,
      filter: filterOf(space, this.#target),
      deliverTo: subjects.deliveries(id, number),
      name: `${id}-${number.toString(36)}`,
      listener: {
        onMessage: (delivered) => this.#onMessage(delivered),
        onCaughtUp: () => {
          lived = true;
          this.#onCaughtUp(delivery, startedMs);
        },
        onHeartbeat: () => this.#onHeartbeat(delivery),
        onEnd: (why) => end(why),
      },
    });
    const unleave = onAbort(this.#left.signal, () => end("left"));
    try {
      // Also finds a stream that was made anew, and reads the server's clock.
      await stream.lookQuietly(this.#budget(bounds().requestTimeoutMs), "watch");
      await this.#context.messages.serverNowMs(this.#budget(bounds().requestTimeoutMs));
      this.#state.beginSync();
      await delivery.start(this.#budget(bounds().requestTimeoutMs));
      await ended;
    } catch (error) {
      if (!this.#left.signal.aborted && !isPassing(error)) throw error;
    } finally {
      unleave();
      this.#goodMs = delivery.heardMs;
      // Not under the watch's own signal: that has ended, and the consumer must still go.
      const budget = new Budget(this.#runtime, { timeoutMs: LEAVE_TIMEOUT_MS, signal: undefined });
      const stopped = delivery.stop(budget);
      if (this.#left.signal.aborted) await stopped;
      else this.#tellStale();
    }
    return lived;
  }

  #onMessage(delivered: Delivered): void {
    const { message, seq, stampMs } = delivered;
    const { space, stream } = this.#context;
    const key = nameOf(space, message.subject);
    if (key === undefined) return;
    const header = (name: string): string | undefined => message.headers?.get(name);
    const facts = { subject: message.subject, seq, stampMs, value: message.data };
    const result = readRecord(header, facts);
    if (result.kind === "invalid") return; // Not ours; `get` says so to whoever asks for it.
    stream.positions.observeSeq(seq);
    const serverMs = this.#context.clockMs() ?? stampMs;
    const { entry, head } = judge(this.#context, key, result.record, serverMs);
    if ("seq" in head) this.#context.heads.hint(message.subject, head);
    if (entry === undefined) {
      const { deleted } = result.record;
      const revision = stream.positions.revisionOf(seq);
      return this.#tell(this.#state.gone(key, revision, deleted ? "deleted" : "expired"));
    }
    const leftMs = endsAtMs(result.record) - serverMs;
    const endMs = this.#runtime.time.monotonicMs() + leftMs;
    const isNew = !this.#state.has(key) && this.feed.unread(key) === undefined;
    if (isNew) this.#news.add(key);
    this.#tell(this.#state.put(copyOf(entry), endMs));
    if (leftMs !== Infinity) this.#armExpiry(endMs);
  }

  #onCaughtUp(delivery: Delivery, startedMs: Ms): void {
    const missing = this.#state.endSync();
    const slow = this.#runtime.time.monotonicMs() - startedMs > TOMBSTONE_GRACE_MS / 2;
    const finish = async (): Promise<void> => {
      // Tombstones do not last for ever: where this took long, one may have gone untold.
      await this.#askAbout(slow ? await this.#notListed() : missing);
      this.#goodMs = delivery.heardMs;
      this.#tellSynced();
    };
    finish().catch(() => delivery.stop(this.#budget(LEAVE_TIMEOUT_MS)).catch(() => {}));
  }

  #onHeartbeat(delivery: Delivery): void {
    const { stream, messages, bounds } = this.#context;
    const quietMs = delivery.heardMs - this.#goodMs;
    this.#goodMs = delivery.heardMs;
    const budget = this.#budget(bounds().requestTimeoutMs);
    stream.ensure(budget, "watch").catch(() => {});
    if (this.#state.nextEndMs !== Infinity) messages.serverNowMs(budget).catch(() => {});
    if (quietMs > TOMBSTONE_GRACE_MS / 2) {
      this.#notListed()
        .then((missing) => this.#askAbout(missing))
        .catch(() => {});
    }
  }

  async #notListed(): Promise<string[]> {
    const { bounds, space } = this.#context;
    const budget = this.#budget(bounds().requestTimeoutMs);
    const keys = await keysOf(this.#context, this.#parts, filterOf(space, this.#target), budget);
    return this.#state.missingFrom(new Set(keys));
  }

  /** Asks the leader about keys that were told and did not come again. */
  async #askAbout(missing: readonly string[]): Promise<void> {
    const { bounds, space } = this.#context;
    for (const key of missing) {
      const budget = this.#budget(bounds().requestTimeoutMs);
      const call = { key, subject: subjectOf(space, key), operation: "watch", budget };
      if ((await look(this.#context, call)).entry === undefined) this.#tell(this.#state.lost(key));
    }
  }

  #tell(change: Extract<Change, { kind: "put" | "delete" }> | undefined): void {
    if (change === undefined) return;
    const key = change.kind === "put" ? change.entry.key : change.key;
    const unread = this.#news.has(key) && this.feed.unread(key) !== undefined;
    if (change.kind === "delete") {
      this.#news.delete(key);
      if (unread && this.feed.retract(key)) return; // Came and went unread: no trace.
    }
    this.feed.push(key, change);
  }

  #tellSynced(): void {
    this.feed.retract(STALE);
    if (this.feed.unread(SYNCED) === undefined) this.feed.push(SYNCED, { kind: "synced" });
  }

  #tellStale(): void {
    if (this.feed.unread(STALE) !== undefined) return;
    this.feed.push(STALE, { kind: "stale", sinceMs: this.#goodMs });
  }

  #armExpiry(endMs: Ms): void {
    const { time } = this.#runtime;
    if (this.#expiry !== undefined && endMs >= this.#nextExpiryMs) return;
    this.#expiry?.cancel();
    this.#nextExpiryMs = endMs;
    const fire = (): void => {
      this.#expiry = undefined;
      for (const change of this.#state.expire(time.monotonicMs())) this.#tell(change);
      const nextMs = this.#state.nextEndMs;
      if (nextMs !== Infinity && !this.#left.signal.aborted) this.#armExpiry(nextMs);
    };
    const delayMs = Math.max(EXPIRY_STEP_MS, endMs - time.monotonicMs());
    this.#expiry = time.setTimer(delayMs, fire, { keepAlive: false });
  }
  #nextExpiryMs: Ms = Infinity;

  #budget(timeoutMs: Ms): Budget {
    return new Budget(this.#runtime, { timeoutMs, signal: this.#left.signal });
  }

  /** The client has closed for ever: no state will ever come again. */
  #fail(): void {
    this.feed.fail(closedForEver("watch"));
  }
}

/** Deliveries are slices of the client's buffers, shared with messages of others. */
function copyOf(entry: Entry): Entry {
  return { ...entry, value: Uint8Array.from(entry.value) };
}

/** Worth another try: everything but what waiting does not cure. */
function isPassing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code !== "UNSUPPORTED" && code !== "STORE_REFUSED" && code !== "INVALID_ARGUMENT";
}
