/**
 * One partition, served by the relay that holds its lease: take, deliver, settle, over and over.
 *
 * A worker takes a lane and delivers its messages one after the other: the next of a key only
 * after the one before was taken, so the order of first deliveries holds even where two relays
 * overlap. A message that fails stops its key; other keys of the lane, and other lanes, go on.
 * What was delivered is settled in one write, also after the lease was lost: it is true whoever
 * holds it.
 */
import {
  isQuorateError,
  linkedController,
  type Ms,
  QuorateError,
  type Runtime,
  scrub,
  sleep,
  withDeadline,
} from "@quorate/core";
import type { Lock } from "@quorate/lock";

import type { OutboxEvents } from "./events.ts";
import { judge, type RelayRetry } from "./judge.ts";
import type { StoredMessage } from "./message.ts";
import type { Backlog, Job, Left, OutboxSource, Outcome, Shelf } from "./source.ts";
import type { Publish } from "./target.ts";

/** What all partitions of a relay share. */
export interface RelayDesk {
  readonly runtime: Runtime;
  readonly events: OutboxEvents;
  readonly source: OutboxSource;
  readonly publish: Publish;
  readonly partitions: number;
  readonly concurrency: number;
  readonly batch: number;
  readonly timeoutMs: Ms;
  readonly retry: Required<RelayRetry>;
}

/** Keys whose failures are remembered; the oldest is forgotten first, and tried sooner. */
const MAX_FAILING_KEYS = 10_000;
const SETTLE_TRIES = 6;

interface Failing {
  readonly inARow: number;
  readonly dueMs: Ms;
}

interface Ends {
  readonly delivered: string[];
  readonly failed: { readonly id: string; readonly attempts: number }[];
  readonly dead: { readonly id: string; readonly attempts: number; readonly problem: string }[];
  left: Left;
}

/** Serves one partition until it is stopped or its lease is lost. */
export class PartitionRelay {
  readonly partition: number;
  readonly lock: Lock;
  readonly #desk: RelayDesk;
  readonly #shelf: Shelf;
  readonly #failing = new Map<string, Failing>();
  readonly #stopping: ReturnType<typeof linkedController>;
  readonly #workers: Promise<unknown>;

  constructor(desk: RelayDesk, partition: number, lock: Lock) {
    this.#desk = desk;
    this.partition = partition;
    this.lock = lock;
    this.#stopping = linkedController(lock.signal);
    const { runtime, events, partitions, batch } = desk;
    const { signal } = this.#stopping;
    const { fencingToken } = lock;
    const context = { partition, partitions, runtime, events, fencingToken, batch, signal };
    this.#shelf = desk.source.open(context);
    signal.addEventListener("abort", () => this.#shelf.close(), { once: true });
    if (signal.aborted) this.#shelf.close();
    const workers = Array.from({ length: desk.concurrency }, () => this.#work());
    this.#workers = Promise.allSettled(workers);
  }

  /** True until it was told to stop, or lost its lease. */
  get isServing(): boolean {
    return !this.#stopping.signal.aborted;
  }

  /** Takes no more jobs; resolves when those at work have ended. */
  async drain(): Promise<void> {
    this.#shelf.close();
    await this.#workers;
    this.stop();
  }

  /** Ends deliveries at work, too. */
  stop(): void {
    this.#stopping.abort(new Error("the partition is not served here any more"));
    this.#stopping.detach();
  }

  /** Hints that there is something new. */
  wake(): void {
    this.#shelf.wake();
  }

  /** How far behind it is. */
  backlog(): Promise<Backlog> {
    return this.#shelf.backlog();
  }

  async #work(): Promise<void> {
    for (;;) {
      const job = await this.#shelf.next();
      if (job === undefined) return;
      const ends = await this.#deliverAll(job);
      job.done(await this.#settle(job, ends));
    }
  }

  async #deliverAll(job: Job): Promise<Ends> {
    const ends: Ends = { delivered: [], failed: [], dead: [], left: "nothing" };
    const stopped = new Set<string>();
    for (const message of job.messages) {
      if (stopped.has(message.key)) continue;
      if (ends.delivered.length + ends.dead.length >= this.#desk.batch) {
        ends.left = "more";
        break;
      }
      const lane = `${job.lane}\n${message.key}`;
      const restMs = this.#restOf(lane);
      if (restMs > 0) {
        stopped.add(message.key);
        ends.left = sooner(ends.left, restMs);
      } else if (!(await this.#deliver(message, lane, ends))) stopped.add(message.key);
      if (!this.isServing) break;
    }
    return ends;
  }

  /** True: the key goes on. */
  async #deliver(message: StoredMessage, lane: string, ends: Ends): Promise<boolean> {
    const { runtime, retry } = this.#desk;
    try {
      this.lock.check();
      await this.#publish(message);
      ends.delivered.push(message.id);
      this.#failing.delete(lane);
      this.#tellDelivered(message);
      return true;
    } catch (error) {
      // What was cut short by the loss of the lease is the next relay's to find out.
      if (!this.isServing || isQuorateError(error, "LOCK_LOST")) return false;
      const { attempts, id } = message;
      const inARow = this.#failing.get(lane)?.inARow ?? 0;
      const verdict = judge({ error, attempts, inARow, chance: runtime.random.next() }, retry);
      const problem = problemOf(error);
      if (verdict.kind === "dead") {
        ends.dead.push({ id, attempts: verdict.attempts, problem });
        this.#failing.delete(lane);
        this.#tellDead(message, verdict.attempts, problem);
        return true;
      }
      const { counted, restMs } = verdict;
      if (counted) ends.failed.push({ id, attempts: attempts + 1 });
      ends.left = sooner(ends.left, restMs);
      this.#remember(lane, { inARow: inARow + 1, dueMs: runtime.time.monotonicMs() + restMs });
      this.#tellFailed(message, { counted, problem, retryInMs: restMs });
      return false;
    }
  }

  async #publish(message: StoredMessage): Promise<void> {
    const { runtime, publish, timeoutMs } = this.#desk;
    const cut = linkedController(this.#stopping.signal);
    try {
      const { id, topic, key, payload, atMs, attempts } = message;
      const context = {
        fencingToken: this.lock.fencingToken,
        partition: this.partition,
        attempt: attempts + 1,
        signal: cut.signal,
      };
      const taking = (async () => publish({ id, topic, key, payload, atMs }, context))();
      await withDeadline(runtime, taking, {
        timeoutMs,
        signal: cut.signal,
        onTimeout: () => lateError(topic, timeoutMs),
      });
    } catch (error) {
      cut.abort(error);
      throw error;
    } finally {
      cut.detach();
    }
  }

  /** Writes what became of the messages; what is left of the lane. */
  async #settle(job: Job, { left, ...outcome }: Ends): Promise<Left> {
    const { delivered, failed, dead } = outcome;
    if (delivered.length + failed.length + dead.length === 0) return left;
    for (let tries = 1; ; tries++) {
      try {
        await job.settle(outcome satisfies Outcome);
        return left;
      } catch (error) {
        this.#tellTrouble(error);
        // Given up, they are delivered again: the lane rests, that this is not at once.
        if (tries >= (this.isServing ? SETTLE_TRIES : 2)) return { restMs: 1_000 };
        const restMs = 50 * 2 ** tries;
        await sleep(this.#desk.runtime, restMs, { keepAlive: false });
      }
    }
  }

  #restOf(lane: string): Ms {
    const failing = this.#failing.get(lane);
    return failing === undefined ? 0 : failing.dueMs - this.#desk.runtime.time.monotonicMs();
  }

  #remember(lane: string, failing: Failing): void {
    this.#failing.delete(lane);
    this.#failing.set(lane, failing);
    if (this.#failing.size <= MAX_FAILING_KEYS) return;
    for (const oldest of this.#failing.keys()) {
      this.#failing.delete(oldest);
      return;
    }
  }

  #tellDelivered({ id, topic, key, atMs }: StoredMessage): void {
    const { events, source, runtime } = this.#desk;
    if (!events.delivered.hasSubscribers) return;
    const ageMs = runtime.time.wallMs() - atMs;
    events.delivered.publish({ outbox: source.name, id, topic, key, ageMs });
  }

  #tellFailed(
    { id, topic, key, attempts }: StoredMessage,
    facts: { readonly counted: boolean; readonly problem: string; readonly retryInMs: Ms },
  ): void {
    const { events, source } = this.#desk;
    if (!events.failed.hasSubscribers) return;
    const counted = facts.counted ? attempts + 1 : attempts;
    events.failed.publish({ outbox: source.name, id, topic, key, attempts: counted, ...facts });
  }

  #tellDead({ id, topic, key }: StoredMessage, attempts: number, problem: string): void {
    const { events, source } = this.#desk;
    if (!events.dead.hasSubscribers) return;
    events.dead.publish({ outbox: source.name, id, topic, key, attempts, problem });
  }

  #tellTrouble(error: unknown): void {
    const { events, source } = this.#desk;
    if (!events.trouble.hasSubscribers) return;
    events.trouble.publish({ outbox: source.name, doing: "settle", problem: problemOf(error) });
  }
}

/** What went wrong, in words that may be stored. */
export function problemOf(error: unknown): string {
  return scrub(error instanceof Error ? error.message : String(error));
}

function sooner(left: Left, restMs: Ms): Left {
  if (left === "more") return left;
  return { restMs: left === "nothing" ? restMs : Math.min(left.restMs, restMs) };
}

function lateError(topic: string, timeoutMs: Ms): QuorateError<"TIMEOUT"> {
  const message = `${topic} was not taken within ${timeoutMs} ms; it may have been`;
  const details = { operation: "deliver", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
