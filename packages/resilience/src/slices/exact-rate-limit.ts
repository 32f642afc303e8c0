/**
 * A rate limit of a whole fleet that is exact, at the price of a store call.
 *
 * What people mean by a shared limit at low volumes: ten mails an hour, whoever sends them. Each
 * permit is a compare-and-set of one record, one round trip where nobody else writes; calls of one
 * instance that come together share it, and refusals that the last known record implies need none.
 * For high volumes see `sharedRateLimit`, which asks the store about once a second.
 *
 * Guarantees: in any time `t` on the store's clock at most `burst + limit · t / perMs` permits are
 * given, whatever the instances' clocks show. The bucket is kept to the microsecond and rounded
 * against the caller; a conflict may cost it the time of a round trip. With `waitMs` permits come
 * in the order of the writes, over all instances.
 *
 * Does not guarantee: that permits are used. One whose call was cancelled, stopped further in, or
 * whose write was not answered is spent. While the store cannot be asked nothing passes.
 *
 * HAZARD: a store that loses the record, or whose clock is set forward, gives at most a burst more.
 */
import { type Backend, knownOptions, Lifecycle, type Ms, type Runtime } from "@quorate/core";

import { deadlinesOf, type Expiring } from "../deadlines.ts";
import type { Guard, Permit } from "../layer.ts";
import { Signals } from "../limit-signals.ts";
import type { Active, LiveCall } from "../live-call.ts";
import { LayeredPolicy } from "../policy.ts";
import { RATE_LIMIT, type RateLimitEvents, refusals } from "../rate-events.ts";
import type { RateCounts } from "../rate-line.ts";
import { type CheckedRate, checkRate, costOf, RATE_OPTIONS } from "../rate-options.ts";
import type { RateOptions } from "../rate-options.ts";
import { rejection } from "../rejection.ts";
import { type Applicant, failureName, PermitDesk } from "./permit-desk.ts";
import type { SliceStoreLost } from "./shared-rate-limit.ts";
import { checkBackend, fleetKey } from "./slice-options.ts";

/** Deadline of a store call, and when to come back if it was not met. */
const STORE_MS = 1_000;

/** What listeners of an exact limit hear. */
export interface ExactRateLimitEvents extends RateLimitEvents {
  /** The store could not be asked. Also on the channel `quorate:rate-limit.store-lost`. */
  storeLost: SliceStoreLost;
}

/** Counters of an exact limit, of this instance. */
export interface ExactRateLimitStats extends Readonly<RateCounts> {
  /** Calls that wait for the store or for their turn. */
  readonly waiting: number;
}

class ExactGuard implements Guard {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly counts: RateCounts = { passed: 0, waited: 0, refused: 0 };
  readonly signals: Signals<ExactRateLimitEvents>;
  readonly lifecycle: Lifecycle;
  readonly waiters: Set<Turn> = new Set();
  readonly desk: PermitDesk;
  readonly refusal: (retryAfterMs: Ms) => unknown;
  readonly name: string;
  readonly waitMs: Ms;
  readonly #options: CheckedRate;

  constructor(backend: Backend, name: string, options: CheckedRate) {
    const { runtime, kv } = backend;
    const { terms } = options;
    this.runtime = runtime;
    this.name = name;
    this.waitMs = options.waitMs;
    this.#options = options;
    this.signals = new Signals(runtime, RATE_LIMIT);
    this.lifecycle = new Lifecycle(`the exact rate limit ${name}`, runtime);
    this.refusal = refusals({ name, terms, signals: this.signals });
    const key = fleetKey("permits", name);
    this.desk = new PermitDesk({ kv, runtime, key, terms, timeoutMs: STORE_MS });
  }

  enter(call: LiveCall): Promise<Permit> {
    this.lifecycle.assertOpen();
    call.check();
    if (this.waiters.size >= this.#options.maxWaiting) {
      this.counts.refused += 1;
      throw this.refusal(STORE_MS);
    }
    const { cost, terms } = this.#options;
    const turn = new Turn(this, call, costOf(call, cost, terms.burst, this.runtime));
    this.waiters.add(turn);
    deadlinesOf(this.runtime).add(turn, call.deadlineMs, this.runtime.time.monotonicMs());
    this.desk.ask(turn);
    return turn.promise;
  }

  succeed(): void {}

  fail(): void {}

  cancel(): void {}

  lost(error: unknown): void {
    this.signals.send("storeLost", () => ({ limiter: this.name, error: failureName(error) }));
  }

  async close(): Promise<void> {
    await this.lifecycle.close(0, () => {
      for (const turn of this.waiters) turn.end(this.lifecycle.closedError());
    });
  }
}

/** A call on its way to its permits: at the desk, then until its turn. */
class Turn implements Applicant, Expiring, Active {
  wakeMs = 0;
  heapIndex = -1;
  readonly cost: number;
  readonly promise: Promise<Permit>;
  readonly #guard: ExactGuard;
  readonly #call: LiveCall;
  readonly #arrivedMs: Ms;
  #resolve!: (permit: Permit) => void;
  #reject!: (reason: unknown) => void;
  #dueMs = Infinity;

  constructor(guard: ExactGuard, call: LiveCall, cost: number) {
    this.#guard = guard;
    this.#call = call;
    this.cost = cost;
    this.#arrivedMs = guard.runtime.time.monotonicMs();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    call.active = this;
  }

  patienceMs(nowMs: Ms): Ms {
    const untilMs = Math.min(this.#arrivedMs + this.#guard.waitMs, this.#call.deadlineMs);
    return Math.max(0, untilMs - nowMs);
  }

  reserved(dueMs: Ms): void {
    if (!this.#guard.waiters.has(this)) return;
    this.#dueMs = dueMs;
    const { runtime, counts } = this.#guard;
    const nowMs = runtime.time.monotonicMs();
    if (dueMs <= nowMs) return this.#pass();
    counts.waited += 1;
    deadlinesOf(runtime).add(this, Math.min(dueMs, this.#call.deadlineMs), nowMs);
  }

  refused(waitMs: Ms): void {
    this.#guard.counts.refused += 1;
    this.#over(() => this.#reject(this.#guard.refusal(waitMs)));
  }

  failed(error: unknown): void {
    this.#guard.counts.refused += 1;
    this.#guard.lost(error);
    const { name } = this.#guard;
    const message = `${name}: the store was not to be asked (${failureName(error)})`;
    const details = { limiter: name, retryAfterMs: STORE_MS };
    this.#over(() => this.#reject(rejection("RATE_LIMITED", message, details)));
  }

  /** Its turn, or its deadline. */
  expire(): void {
    if (this.#guard.runtime.time.monotonicMs() >= this.#dueMs) return this.#pass();
    this.#over(() => this.#reject(this.#call.timeoutError(false)));
  }

  end(reason: unknown): void {
    this.#over(() => this.#reject(reason));
  }

  #pass(): void {
    this.#guard.counts.passed += 1;
    this.#over(() => this.#resolve(undefined));
  }

  #over(settle: () => void): void {
    if (!this.#guard.waiters.delete(this)) return;
    this.#call.active = undefined;
    deadlinesOf(this.#guard.runtime).remove(this);
    this.#guard.desk.leave(this);
    settle();
  }
}

/**
 * A fleet's exact rate limit, as a policy.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { exactRateLimit } from "@quorate/resilience";
 * const backend = memoryBackend();
 * await using limiter = exactRateLimit(backend, "mails", { limit: 10, perMs: 3_600_000 });
 * console.log(await limiter.run(() => "sent")); // => sent
 */
export class ExactRateLimiter extends LayeredPolicy implements AsyncDisposable {
  readonly #guard: ExactGuard;

  /** Made by `exactRateLimit`. */
  constructor(backend: Backend, name: string, options: CheckedRate) {
    const guard = new ExactGuard(backend, name, options);
    super([guard], backend.runtime);
    this.#guard = guard;
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof ExactRateLimitEvents>(
    type: K,
    listener: (event: ExactRateLimitEvents[K]) => void,
  ): () => void {
    return this.#guard.signals.on(type, listener);
  }

  /** Counters since the beginning. */
  get stats(): ExactRateLimitStats {
    const { counts, waiters } = this.#guard;
    return { ...counts, waiting: waiters.size };
  }

  /** Refuses new calls with `CLOSED`, and sends those in line away. */
  close(): Promise<void> {
    return this.#guard.close();
  }

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * A policy that lets exactly `limit` calls of a whole fleet through for each `perMs`, by one store
 * call each; all instances that share a backend's namespace and `name` are one fleet.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be
 */
export function exactRateLimit(
  backend: Backend,
  name: string,
  options: RateOptions,
): ExactRateLimiter {
  knownOptions("exactRateLimit", options, RATE_OPTIONS);
  return new ExactRateLimiter(checkBackend(backend), name, checkRate(options, options.limit));
}
