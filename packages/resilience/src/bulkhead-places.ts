/**
 * Places: how many calls may run at once, who holds one, and who waits.
 *
 * The one machine behind a bulkhead, an adaptive limit and a server's admission. They differ in
 * where the limit comes from and in the error of a call that gets no place.
 *
 * Guarantees: never more than `limit` places are held, and nobody waits while one is free: a place
 * that comes free is handed to the next in line before anybody else can take it. A place is held
 * until the work itself has ended: work that was given up on (a deadline, a cancel) and runs on
 * still uses what the limit protects. A waiter that is cancelled leaves in that turn and holds
 * nothing; one that could not end in time leaves when that is certain.
 *
 * Does not guarantee, with a finite `leakedGraceMs`: that no more than `limit` works run. After
 * the grace a place is given on although its work has not ended; that is counted and told.
 */
import type { Ms, Runtime, Timer } from "@quorate/core";

import { deadlinesOf, type Expiring } from "./deadlines.ts";
import type { Active, LiveCall } from "./live-call.ts";
import { type Queued, type QueueOrder, type QueueRank, WaitQueue } from "./queue.ts";

/**
 * Why a call gets no place: the line is `full`; it would be too `late` to end before its deadline;
 * it was `displaced` from a full line by a call of higher priority.
 */
export type Unserved = "full" | "late" | "displaced";

/** How much time a call needs to be worth beginning. */
export interface Need {
  /** Least time that must be left at `nowMs`. Must not throw. */
  needMs(nowMs: Ms): Ms;
}

/** Whose places they are. */
export interface PlaceKeeper {
  readonly runtime: Runtime;
  /** The error for a call that gets no place; `need` as it came in with. Must not throw. */
  refusal(call: LiveCall, why: Unserved, need: Need | undefined): unknown;
  /** The number of leaked places has changed, and with it perhaps the limit. Must not throw. */
  refit?(): void;
  /** Work was given up on and holds its place. Must not throw. */
  leaked(): void;
  /** A leaked place came free: its work ended, or its grace did. Must not throw. */
  recovered(by: "work" | "grace"): void;
}

/** Bounds of `Places`, checked by their owner. */
export interface PlaceBounds {
  readonly limit: number;
  /** Most that wait. */
  readonly queue: number;
  readonly order: QueueOrder;
  /** How long given-up work keeps its place; Infinity: until it ends. */
  readonly leakedGraceMs: Ms;
  /** Whether places remember when they were taken. */
  readonly isTimed: boolean;
}

/** A place that is held: the permit of a call. */
export class Place {
  state: "held" | "leaked" | "returned" = "held";
  /** What its call's end says; for the owner's use. */
  verdict: "ok" | "dropped" | "ignored" = "ignored";
  /** When it was taken; 0 where places are not timed. */
  readonly startedMs: Ms;
  /** Places held when it was taken, with it. */
  readonly inFlight: number;
  /** Ends the grace of a leaked place. */
  grace: Timer | undefined = undefined;

  constructor(startedMs: Ms, inFlight: number) {
    this.startedMs = startedMs;
    this.inFlight = inFlight;
  }
}

/** The places. */
export class Places {
  /** Places held by work that was given up on. */
  leaked = 0;
  readonly maxQueued: number;
  readonly #keeper: PlaceKeeper;
  readonly #queue: WaitQueue<Waiter>;
  readonly #leakedGraceMs: Ms;
  readonly #isTimed: boolean;
  #limit: number;
  #running = 0;

  constructor(keeper: PlaceKeeper, bounds: PlaceBounds) {
    this.#keeper = keeper;
    this.#limit = bounds.limit;
    this.maxQueued = bounds.queue;
    this.#queue = new WaitQueue(bounds.order);
    this.#leakedGraceMs = bounds.leakedGraceMs;
    this.#isTimed = bounds.isTimed;
  }

  /** Places in all. */
  get limit(): number {
    return this.#limit;
  }

  /** Places that are held, leaked ones among them. */
  get running(): number {
    return this.#running;
  }

  /** Calls in line. */
  get queued(): number {
    return this.#queue.size;
  }

  /** More or fewer places from now on; fewer take effect as they come free. */
  resize(limit: number): void {
    this.#limit = limit;
    if (this.#queue.size > 0) this.#handOver();
  }

  /**
   * A place, at once or when one comes free. Throws, or rejects with, the keeper's refusal; a call
   * that has less time left than it needs is not begun.
   */
  enter(call: LiveCall, need: Need | undefined): Place | Promise<Place> {
    if (this.#running >= this.#limit) return this.#wait(call, need);
    // Nobody waits while a place is free, so nobody is overtaken here.
    if (need !== undefined && call.deadlineMs !== Infinity) {
      if (isLate(call, need, this.#nowMs())) throw this.#keeper.refusal(call, "late", need);
    }
    return this.#take();
  }

  /** The call has ended; if its work has not, the place is leaked. */
  end(place: Place, call: LiveCall): void {
    if (call.hasLeftovers) this.#leak(place);
  }

  /** The work has ended: the place goes to the next in line. */
  settle(place: Place): void {
    if (place.state !== "returned") this.#giveBack(place, "work");
  }

  #take(): Place {
    this.#running += 1;
    const startedMs = this.#isTimed ? this.#nowMs() : 0;
    return new Place(startedMs, this.#running);
  }

  #wait(call: LiveCall, need: Need | undefined): Promise<Place> {
    if (call.isEnded) call.check();
    const nowMs = this.#nowMs();
    if (isLate(call, need, nowMs)) throw this.#keeper.refusal(call, "late", need);
    const last = this.#queue.size < this.maxQueued ? undefined : this.#queue.last();
    if (this.#queue.size >= this.maxQueued) {
      const givesWay = last !== undefined && last.priority < rankable(call.priority);
      if (!givesWay) throw this.#keeper.refusal(call, "full", need);
    }
    const waiter = new Waiter(call, need, this.#keeper, this.#queue);
    this.#queue.add(waiter, nowMs);
    const leaveMs = call.deadlineMs - (need?.needMs(nowMs) ?? 0);
    deadlinesOf(this.#keeper.runtime).add(waiter, leaveMs, nowMs);
    last?.refuse("displaced");
    return waiter.promise;
  }

  /** Gives free places to those who wait. What it resolves and rejects goes on in a later job. */
  #handOver(): void {
    const nowMs = this.#nowMs();
    while (this.#running < this.#limit) {
      const next = this.#queue.take(nowMs);
      if (next === undefined) return;
      // Its timer may be late, or its need have grown since it came.
      if (isLate(next.call, next.need, nowMs)) next.refuse("late");
      else next.grant(this.#take());
    }
  }

  #nowMs(): Ms {
    return this.#keeper.runtime.time.monotonicMs();
  }

  #leak(place: Place): void {
    place.state = "leaked";
    this.leaked += 1;
    if (this.#leakedGraceMs !== Infinity) {
      const { time } = this.#keeper.runtime;
      const giveBack = (): void => this.#giveBack(place, "grace");
      // Upkeep: those who wait for the place keep the process alive by deadlines of their own.
      place.grace = time.setTimer(this.#leakedGraceMs, giveBack, { keepAlive: false });
    }
    this.#keeper.refit?.();
    this.#keeper.leaked();
  }

  #giveBack(place: Place, by: "work" | "grace"): void {
    const wasLeaked = place.state === "leaked";
    place.state = "returned";
    this.#running -= 1;
    if (wasLeaked) {
      this.leaked -= 1;
      place.grace?.cancel();
      place.grace = undefined;
      this.#keeper.refit?.();
    }
    if (this.#queue.size > 0) this.#handOver();
    if (wasLeaked) this.#keeper.recovered(by);
  }
}

/** A call in line. */
class Waiter implements Queued, Expiring, Active {
  wakeMs = 0;
  heapIndex = -1;
  older: Queued | undefined = undefined;
  newer: Queued | undefined = undefined;
  rank: QueueRank | undefined = undefined;
  readonly call: LiveCall;
  readonly need: Need | undefined;
  readonly priority: number;
  readonly promise: Promise<Place>;
  readonly #keeper: PlaceKeeper;
  readonly #queue: WaitQueue<Waiter>;
  #resolve!: (place: Place) => void;
  #reject!: (reason: unknown) => void;

  constructor(
    call: LiveCall,
    need: Need | undefined,
    keeper: PlaceKeeper,
    queue: WaitQueue<Waiter>,
  ) {
    this.call = call;
    this.need = need;
    this.priority = rankable(call.priority);
    this.#keeper = keeper;
    this.#queue = queue;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    call.active = this;
  }

  grant(place: Place): void {
    this.#leave();
    this.#resolve(place);
  }

  refuse(why: Unserved): void {
    this.#leave();
    this.#reject(this.#keeper.refusal(this.call, why, this.need));
  }

  /** It has run out of time. */
  expire(): void {
    this.refuse("late");
  }

  /** Cancelled. */
  end(reason: unknown): void {
    this.#leave();
    this.#reject(reason);
  }

  #leave(): void {
    this.#queue.remove(this);
    this.call.active = undefined;
    if (this.heapIndex !== -1) deadlinesOf(this.#keeper.runtime).remove(this);
  }
}

function isLate(call: LiveCall, need: Need | undefined, nowMs: Ms): boolean {
  const { deadlineMs } = call;
  if (deadlineMs === Infinity) return false;
  const leftMs = deadlineMs - nowMs;
  return leftMs <= 0 || (need !== undefined && leftMs < need.needMs(nowMs));
}

/** Anything else than a number would be equal to nothing, and break the line's order. */
function rankable(priority: number): number {
  return typeof priority === "number" && !Number.isNaN(priority) ? priority : 0;
}
