/**
 * Adaptive limit: a bulkhead that finds its own size.
 *
 * The right number of calls at once changes with each deploy, each noisy neighbour, each lost
 * replica; a number in a configuration is right for one afternoon. This one follows what the
 * dependency does: it grows while calls are as fast as on an idle dependency, and shrinks when they
 * begin to wait for each other or are refused.
 *
 * Guarantees: those of `bulkhead` for the limit of the moment (a limit that shrinks ends no call:
 * places go as they come free), and a limit within `min` and `max`. An unused limit does not grow.
 * Work that has hung cannot take all places: `min` remain for others, up to `max` in all.
 * Does not guarantee that the limit is found when latency says nothing of load: use `aimd` there.
 * Answers that fail with other errors than those of overload are not counted: they may be fast.
 *
 * After Netflix concurrency-limits; the algorithms name their sources.
 */
import {
  boundedString,
  callable,
  knownOptions,
  type Ms,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import { fixedNeed, fullError, MAX_NAME_BYTES, queueLength, queueOrder } from "./bulkhead.ts";
import {
  type Need,
  type Place,
  type PlaceKeeper,
  Places,
  type Unserved,
} from "./bulkhead-places.ts";
import { duration } from "./duration.ts";
import { reportFailure } from "./emitter.ts";
import type { Guard, Permit } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import { LIMIT_OPTIONS, type LimitOptions, LimitTracker } from "./limit-tracker.ts";
import type { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import type { QueueOrder } from "./queue.ts";
import { isShedSign } from "./shed-signs.ts";

/** Options of `adaptive`. */
export interface AdaptiveOptions extends LimitOptions {
  /** Most calls that wait for a place. @default 0 */
  readonly queue?: number;
  /** As in `bulkhead`. @default "fifo" */
  readonly order?: QueueOrder;
  /** A call that has less time left than this is refused, and does not wait on. @default 0 */
  readonly minRemainingMs?: Ms;
  /** How long given-up work keeps its place; Infinity: until it ends. @default Infinity */
  readonly leakedGraceMs?: Ms;
  /**
   * Whether an error is a sign of overload.
   * @default OVERLOADED, RATE_LIMITED, BULKHEAD_FULL, THROTTLED, TIMEOUT, and status 429 and 503
   */
  readonly dropped?: (error: unknown) => boolean;
  /** Its name in errors and events. @default "adaptive" */
  readonly name?: string;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** What happens to an adaptive limit. Channels: `quorate:adaptive.moved` and so on. */
export interface AdaptiveEvents {
  /** The limit has moved. */
  readonly moved: { readonly limiter: string; readonly limit: number; readonly before: number };
  /** A call got no place. */
  readonly rejected: {
    readonly limiter: string;
    readonly why: Unserved;
    readonly priority: number;
    readonly running: number;
    readonly queued: number;
  };
  /** Work was given up on and runs on; `leaked` places are now held so. */
  readonly leaked: { readonly limiter: string; readonly leaked: number };
  /** A leaked place came free, because its work ended or its grace did. */
  readonly recovered: {
    readonly limiter: string;
    readonly leaked: number;
    readonly by: "work" | "grace";
  };
}

/** Figures of an adaptive limit. */
export interface AdaptiveStats {
  /** Places now. */
  readonly limit: number;
  /** Places held now, leaked ones among them; more than `limit` while that shrinks. */
  readonly running: number;
  /** Calls that wait now. */
  readonly queued: number;
  /** Places held now by work that was given up on. */
  readonly leaked: number;
  /** Calls that got no place, since the start. */
  readonly rejected: number;
  /** Calls that showed overload, since the start. */
  readonly dropped: number;
}

/** The guard inside. */
class AdaptiveGuard implements Guard, PlaceKeeper {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly name: string;
  readonly places: Places;
  readonly signals: Signals<AdaptiveEvents>;
  rejected = 0;
  dropped = 0;
  readonly #tracker: LimitTracker;
  readonly #isDropped: (error: unknown) => boolean;
  readonly #need: Need | undefined;

  constructor(options: AdaptiveOptions) {
    this.runtime = options.runtime ?? systemRuntime;
    this.name = boundedString("name", options.name ?? "adaptive", MAX_NAME_BYTES);
    this.signals = new Signals(this.runtime, "adaptive");
    this.#isDropped = callable("dropped", options.dropped ?? isShedSign);
    this.#need = fixedNeed(options.minRemainingMs ?? 0);
    this.#tracker = new LimitTracker(this.runtime, options, (limit, before) => {
      this.signals.send("moved", () => ({ limiter: this.name, limit, before }));
    });
    this.places = new Places(this, {
      limit: this.#tracker.initial,
      queue: queueLength(options.queue ?? 0),
      order: queueOrder(options.order ?? "fifo"),
      leakedGraceMs: duration("leakedGraceMs", options.leakedGraceMs ?? Infinity),
      isTimed: true,
    });
  }

  enter(call: LiveCall): Permit | Promise<Permit> {
    return this.places.enter(call, this.#need);
  }

  succeed(permit: Permit, call: LiveCall): void {
    this.#sample(permit as Place, false);
    this.places.end(permit as Place, call);
  }

  fail(permit: Permit, call: LiveCall, error: unknown): void {
    if (!call.isCancelled && this.#showsOverload(error)) {
      this.dropped += 1;
      this.#sample(permit as Place, true);
    }
    this.places.end(permit as Place, call);
  }

  cancel(): void {
    // The place is given back when the call settles, which follows.
  }

  settle(permit: Permit): void {
    this.places.settle(permit as Place);
  }

  refusal(call: LiveCall, why: Unserved): unknown {
    const { running, queued } = this.places;
    this.rejected += 1;
    const { priority } = call;
    const limiter = this.name;
    this.signals.send("rejected", () => ({ limiter, why, priority, running, queued }));
    if (why === "late" && call.remainingMs === 0) return call.timeoutError(false);
    return fullError(limiter, why, running, queued);
  }

  refit(): void {
    this.#tracker.fit(this.places);
  }

  leaked(): void {
    const { leaked } = this.places;
    this.signals.send("leaked", () => ({ limiter: this.name, leaked }));
  }

  recovered(by: "work" | "grace"): void {
    const { leaked } = this.places;
    this.signals.send("recovered", () => ({ limiter: this.name, leaked, by }));
  }

  #sample(place: Place, dropped: boolean): void {
    this.#tracker.ended(this.places, place, this.runtime.time.monotonicMs(), dropped);
  }

  #showsOverload(error: unknown): boolean {
    try {
      return this.#isDropped(error);
    } catch (thrown) {
      reportFailure(this.runtime, "dropped", thrown);
      return isShedSign(error);
    }
  }
}

/** A limit that finds itself: a policy with figures and events. Made by `adaptive`. */
export class AdaptiveLimiter extends LayeredPolicy {
  readonly #guard: AdaptiveGuard;

  /** See `adaptive`. */
  constructor(options: AdaptiveOptions = {}) {
    const guard = new AdaptiveGuard(options);
    super([guard]);
    this.#guard = guard;
  }

  /** Its name in errors and events. */
  get name(): string {
    return this.#guard.name;
  }

  /** Its figures now. */
  get stats(): AdaptiveStats {
    const { places, rejected, dropped } = this.#guard;
    const { limit, running, queued, leaked } = places;
    return { limit, running, queued, leaked, rejected, dropped };
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof AdaptiveEvents>(
    type: K,
    listener: (event: AdaptiveEvents[K]) => void,
  ): () => void {
    return this.#guard.signals.on(type, listener);
  }
}

/**
 * A policy that runs as many calls at once as the dependency can take. Others wait in a line of at
 * most `queue`, or are told BULKHEAD_FULL at once.
 *
 * @throws INVALID_ARGUMENT (at construction) an option is out of its range
 * @throws BULKHEAD_FULL (a call, effect none) no place, as in `bulkhead`
 * @throws TIMEOUT (a call, effect none) its deadline passed while it waited
 * @example
 * import { adaptive } from "@quorate/resilience";
 * const search = adaptive({ algorithm: "gradient", max: 100, queue: 20, name: "search" });
 * const answer = await search.run(async () => 42);
 * console.log(answer, search.stats.limit); // => 42 20
 */
export function adaptive(options: AdaptiveOptions = {}): AdaptiveLimiter {
  knownOptions("adaptive", options, [
    ...LIMIT_OPTIONS,
    "queue",
    "order",
    "minRemainingMs",
    "leakedGraceMs",
    "dropped",
    "name",
    "runtime",
  ]);
  return new AdaptiveLimiter(options);
}
