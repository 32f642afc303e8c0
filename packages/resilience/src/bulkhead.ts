/**
 * Bulkhead: at most so many calls at once, and a bounded line of those who wait.
 *
 * A dependency that slows down must not take with it everything that calls it. Whoever finds the
 * bulkhead and its line full is told so at once, instead of waiting for something that will not
 * come in time.
 *
 * Guarantees: never more than `max` works run, also when they are given up on and ignore their
 * signal: a place is held until the work ends, and `stats.leaked` tells how many are held so. A
 * place that comes free goes to who waits, in the given order, never to who comes later. Waiting,
 * leaving and handing over take O(1), the deadline's heap O(log n). Does not guarantee that work
 * ends: a bulkhead full of leaked places needs work that obeys `call.signal`, or `leakedGraceMs`.
 */
import {
  boundedString,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positiveInteger,
  type Runtime,
  show,
  systemRuntime,
} from "@quorate/core";

import {
  type Need,
  type Place,
  type PlaceKeeper,
  Places,
  type Unserved,
} from "./bulkhead-places.ts";
import { duration } from "./duration.ts";
import type { Guard, Permit } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import type { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import type { QueueOrder } from "./queue.ts";
import { rejection } from "./rejection.ts";

/** Options of `bulkhead`. */
export interface BulkheadOptions {
  /** Most calls that run at once. */
  readonly max: number;
  /** Most calls that wait for a place. @default 0 */
  readonly queue?: number;
  /**
   * Who of those with equal priority is served first: by arrival, the newest, or `adaptive`: by
   * arrival, but the newest once the line has not been empty for 100 ms. @default "fifo"
   */
  readonly order?: QueueOrder;
  /** A call that has less time left than this is refused, and does not wait on. @default 0 */
  readonly minRemainingMs?: Ms;
  /** How long given-up work keeps its place; Infinity: until it ends. @default Infinity */
  readonly leakedGraceMs?: Ms;
  /** Its name in errors and events. @default "bulkhead" */
  readonly name?: string;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** What happens to a bulkhead. Each has a channel of its own: `quorate:bulkhead.rejected`. */
export interface BulkheadEvents {
  /** A call got no place. */
  readonly rejected: {
    readonly bulkhead: string;
    readonly why: Unserved;
    readonly priority: number;
    readonly running: number;
    readonly queued: number;
  };
  /** Work was given up on and runs on; `leaked` places are now held so. */
  readonly leaked: { readonly bulkhead: string; readonly leaked: number };
  /** A leaked place came free, because its work ended or its grace did. */
  readonly recovered: {
    readonly bulkhead: string;
    readonly leaked: number;
    readonly by: "work" | "grace";
  };
}

/** Figures of a bulkhead. */
export interface BulkheadStats {
  /** Places. */
  readonly max: number;
  /** Places held now, leaked ones among them. */
  readonly running: number;
  /** Calls that wait now. */
  readonly queued: number;
  /** Places held now by work that was given up on. */
  readonly leaked: number;
  /** Calls that got no place, since the start. */
  readonly rejected: number;
  /** Works that were given up on while they ran, since the start. */
  readonly leaks: number;
  /** Leaked places that were given on before their work had ended, since the start. */
  readonly overcommitted: number;
}

/** Longest name of a limit. */
export const MAX_NAME_BYTES = 128;

/** The guard inside. */
class BulkheadGuard implements Guard, PlaceKeeper {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly name: string;
  readonly places: Places;
  readonly signals: Signals<BulkheadEvents>;
  rejected = 0;
  leaks = 0;
  overcommitted = 0;
  readonly #need: Need | undefined;

  constructor(options: BulkheadOptions) {
    this.runtime = options.runtime ?? systemRuntime;
    this.name = boundedString("name", options.name ?? "bulkhead", MAX_NAME_BYTES);
    this.signals = new Signals(this.runtime, "bulkhead");
    this.places = new Places(this, {
      limit: positiveInteger("max", options.max),
      queue: queueLength(options.queue ?? 0),
      order: queueOrder(options.order ?? "fifo"),
      leakedGraceMs: duration("leakedGraceMs", options.leakedGraceMs ?? Infinity),
      isTimed: false,
    });
    this.#need = fixedNeed(options.minRemainingMs ?? 0);
  }

  enter(call: LiveCall): Permit | Promise<Permit> {
    return this.places.enter(call, this.#need);
  }

  succeed(permit: Permit, call: LiveCall): void {
    this.places.end(permit as Place, call);
  }

  fail(permit: Permit, call: LiveCall): void {
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
    const bulkhead = this.name;
    this.signals.send("rejected", () => ({ bulkhead, why, priority, running, queued }));
    if (why === "late" && call.remainingMs === 0) return call.timeoutError(false);
    return fullError(bulkhead, why, running, queued);
  }

  leaked(): void {
    this.leaks += 1;
    const { leaked } = this.places;
    this.signals.send("leaked", () => ({ bulkhead: this.name, leaked }));
  }

  recovered(by: "work" | "grace"): void {
    if (by === "grace") this.overcommitted += 1;
    const { leaked } = this.places;
    this.signals.send("recovered", () => ({ bulkhead: this.name, leaked, by }));
  }
}

const REASONS: Readonly<Record<Unserved, string>> = {
  full: "is full",
  late: "would not end the call before its deadline",
  displaced: "gave the call's turn to one of higher priority",
};

/** The error of a call that got no place. */
export function fullError(bulkhead: string, why: Unserved, running: number, queued: number): Error {
  const message = `bulkhead ${show(bulkhead)} ${REASONS[why]}: ${running} run, ${queued} wait`;
  return rejection("BULKHEAD_FULL", message, { bulkhead, running, queued });
}

/** The same need for all calls. */
export function fixedNeed(minRemainingMs: Ms): Need | undefined {
  nonNegative("minRemainingMs", minRemainingMs);
  return minRemainingMs === 0 ? undefined : { needMs: () => minRemainingMs };
}

/** Most that wait: zero is welcome. */
export function queueLength(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidArgument("queue", value, "an integer >= 0");
}

/** A known order. */
export function queueOrder(value: QueueOrder): QueueOrder {
  if (value === "fifo" || value === "lifo" || value === "adaptive") return value;
  throw invalidArgument("order", value, '"fifo", "lifo" or "adaptive"');
}

/** A bulkhead: a policy with figures and events. Made by `bulkhead`. */
export class Bulkhead extends LayeredPolicy {
  readonly #guard: BulkheadGuard;

  /** See `bulkhead`. */
  constructor(options: BulkheadOptions) {
    const guard = new BulkheadGuard(options);
    super([guard]);
    this.#guard = guard;
  }

  /** Its name in errors and events. */
  get name(): string {
    return this.#guard.name;
  }

  /** Its figures now. */
  get stats(): BulkheadStats {
    const { places, rejected, leaks, overcommitted } = this.#guard;
    const { limit, running, queued, leaked } = places;
    return { max: limit, running, queued, leaked, rejected, leaks, overcommitted };
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof BulkheadEvents>(
    type: K,
    listener: (event: BulkheadEvents[K]) => void,
  ): () => void {
    return this.#guard.signals.on(type, listener);
  }
}

/**
 * A policy that runs at most `max` calls at once. Others wait in a line of at most `queue`, or are
 * told BULKHEAD_FULL at once.
 *
 * Put it inside a retry and a breaker: a call must not keep its place while it sleeps.
 *
 * @throws INVALID_ARGUMENT (at construction) an option is out of its range
 * @throws BULKHEAD_FULL (a call, effect none) no place: the line is full, or the call has less
 *   than `minRemainingMs` left, or it gave way to one of higher priority
 * @throws TIMEOUT (a call, effect none) its deadline passed while it waited
 * @example
 * import { bulkhead } from "@quorate/resilience";
 * const database = bulkhead({ max: 10, queue: 50, name: "database" });
 * const answer = await database.run(async () => 42);
 * console.log(answer, database.stats.running); // => 42 0
 */
export function bulkhead(options: BulkheadOptions): Bulkhead {
  knownOptions("bulkhead", options, [
    "max",
    "queue",
    "order",
    "minRemainingMs",
    "leakedGraceMs",
    "name",
    "runtime",
  ]);
  return new Bulkhead(options);
}
