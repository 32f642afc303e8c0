/**
 * The line in front of a meter: calls that may go now, calls that wait for their permits, and calls
 * that are told when to come back.
 *
 * First come, first served, whatever a call costs: one that needs little does not overtake one that
 * needs much, or the latter would never go. So the time that a newcomer would wait is known when it
 * arrives, and one that would wait too long is refused at once instead of in the end.
 *
 * Guarantees: order of arrival; a waiter whose caller cancels or whose deadline passes leaves in
 * that turn, and those behind it move up; one timer for the whole line, none while it is empty;
 * never more than `maxWaiting` wait.
 */
import type { Ms, Runtime } from "@quorate/core";

import { deadlinesOf, type Expiring } from "./deadlines.ts";
import type { Active, LiveCall } from "./live-call.ts";
import { toUs } from "./rate-units.ts";
import type { Meter } from "./token-bucket.ts";

/** Counts of calls, for metrics. */
export interface RateCounts {
  /** Got their permits, at once or after a wait. */
  passed: number;
  /** Of those: after a wait. */
  waited: number;
  /** Were told to come back later. */
  refused: number;
}

/** Whose line it is. */
export interface LineKeeper {
  readonly runtime: Runtime;
  readonly counts: RateCounts;
  /** Longest wait. */
  readonly waitMs: Ms;
  /** Most that wait. */
  readonly maxWaiting: number;
  /** The error for a call that gets no permit; it is to come back `retryAfterMs` from now. */
  refusal(retryAfterMs: Ms): unknown;
  /** How long a call waits for a meter that is about to be set; 0: it is set. */
  settingMs?(): Ms;
  /** Has the meter be what it must be by now. */
  follow?(): void;
}

/** The line. */
export class RateLine implements Expiring {
  wakeMs = 0;
  heapIndex = -1;
  readonly #keeper: LineKeeper;
  readonly #meter: Meter;
  readonly #waiting: Waiter[] = [];
  #owed = 0;

  constructor(keeper: LineKeeper, meter: Meter) {
    this.#keeper = keeper;
    this.#meter = meter;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** What those who wait cost together. */
  get owed(): number {
    return this.#owed;
  }

  /** Takes permits now, unless others wait for theirs. */
  tryTake(cost: number): boolean {
    const nowUs = toUs(this.#keeper.runtime.time.monotonicMs());
    const { counts } = this.#keeper;
    if (this.#waiting.length === 0 && this.#meter.take(cost, nowUs)) {
      counts.passed += 1;
      return true;
    }
    counts.refused += 1;
    return false;
  }

  /** The cost, when it has been paid. Throws the keeper's refusal, or rejects with it. */
  enter(call: LiveCall, cost: number): number | Promise<number> {
    const nowMs = this.#keeper.runtime.time.monotonicMs();
    if (this.#waiting.length === 0 && this.#meter.take(cost, toUs(nowMs))) {
      this.#keeper.counts.passed += 1;
      return cost;
    }
    return this.#wait(call, cost, nowMs);
  }

  /** Permits that were taken and not used: the next in line has them. */
  giveBack(cost: number): void {
    this.#meter.giveBack(cost);
    if (this.#waiting.length > 0) this.#handOver();
  }

  /** Time until a call of `cost` could go at once, if nobody else came. */
  retryAfterMs(cost: number): Ms {
    const nowUs = toUs(this.#keeper.runtime.time.monotonicMs());
    return this.#meter.waitUs(this.#owed + cost, nowUs) / 1_000;
  }

  /** Permits that could be taken now. */
  available(): number {
    if (this.#waiting.length > 0) return 0;
    return this.#meter.available(toUs(this.#keeper.runtime.time.monotonicMs()));
  }

  /** Whether it may be forgotten. */
  isIdle(nowMs: Ms): boolean {
    return this.#waiting.length === 0 && this.#meter.isFull(toUs(nowMs));
  }

  /** Another line for the same keeper, whose meter stands where this one's does. */
  fork(): RateLine {
    return new RateLine(this.#keeper, this.#meter.copy());
  }

  /** The meter was set anew: who can go goes, who cannot in time is told so. */
  reprice(): void {
    if (this.#waiting.length > 0) this.#handOver();
    if (this.#waiting.length === 0 || this.#settingMs() > 0) return;
    const nowMs = this.#keeper.runtime.time.monotonicMs();
    let ahead = 0;
    for (const waiter of [...this.#waiting]) {
      const cost = ahead + waiter.cost;
      if (isInTime(this.#dueMs(cost, nowMs), waiter.patientUntilMs, nowMs)) ahead = cost;
      else {
        this.#takeOut(waiter);
        this.#refuse(waiter, this.#meter.waitUs(cost, toUs(nowMs)) / 1_000);
      }
    }
    this.#arm(nowMs);
  }

  /** Everybody is sent away with `reason`. */
  close(reason: unknown): void {
    for (const waiter of [...this.#waiting]) {
      this.#takeOut(waiter);
      waiter.reject(reason);
    }
    this.#arm(0);
  }

  /** The first in line may have its permits by now. */
  expire(): void {
    this.#handOver();
  }

  /** The waiter's own time is over. */
  overdue(waiter: Waiter): void {
    this.#handOver(); // Its permits may have come in the same tick.
    if (waiter.isOver) return;
    const { call } = waiter;
    const nowMs = this.#keeper.runtime.time.monotonicMs();
    this.left(waiter);
    if (nowMs >= call.deadlineMs) waiter.reject(call.timeoutError(false));
    else this.#refuse(waiter, this.retryAfterMs(waiter.cost));
  }

  /** The waiter leaves; those behind it move up. */
  left(waiter: Waiter): void {
    this.#takeOut(waiter);
    this.#handOver();
  }

  #wait(call: LiveCall, cost: number, nowMs: Ms): Promise<number> {
    call.check();
    const { waitMs, maxWaiting, counts } = this.#keeper;
    const dueMs = this.#dueMs(this.#owed + cost, nowMs);
    const settingMs = this.#settingMs();
    const patientUntilMs = nowMs + waitMs;
    const comesInTime = isInTime(dueMs, Math.min(patientUntilMs, call.deadlineMs), nowMs);
    if (!(comesInTime || settingMs > 0) || this.#waiting.length >= maxWaiting) {
      counts.refused += 1;
      throw this.#keeper.refusal(this.retryAfterMs(cost));
    }
    const waiter = new Waiter(this, call, { cost, patientUntilMs });
    this.#waiting.push(waiter);
    this.#owed += cost;
    const deadlines = deadlinesOf(this.#keeper.runtime);
    const leaveMs = Math.min(call.deadlineMs, nowMs + Math.max(waitMs, settingMs));
    deadlines.add(waiter, leaveMs, nowMs);
    if (this.#waiting.length === 1) this.#arm(nowMs);
    return waiter.promise;
  }

  #handOver(): void {
    const nowMs = this.#keeper.runtime.time.monotonicMs();
    const nowUs = toUs(nowMs);
    this.#keeper.follow?.();
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (nowMs >= next.call.deadlineMs) {
        this.#takeOut(next);
        next.reject(next.call.timeoutError(false));
        continue;
      }
      if (!this.#meter.take(next.cost, nowUs)) break;
      this.#takeOut(next);
      this.#keeper.counts.passed += 1;
      this.#keeper.counts.waited += 1;
      next.resolve(next.cost);
    }
    this.#arm(nowMs);
  }

  #takeOut(waiter: Waiter): void {
    const index = this.#waiting.indexOf(waiter);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#owed -= waiter.cost;
    waiter.over();
    deadlinesOf(this.#keeper.runtime).remove(waiter);
  }

  #refuse(waiter: Waiter, retryAfterMs: Ms): void {
    this.#keeper.counts.refused += 1;
    waiter.reject(this.#keeper.refusal(retryAfterMs));
  }

  #dueMs(cost: number, nowMs: Ms): Ms {
    const nowUs = toUs(nowMs);
    return Math.max(nowMs, (nowUs + this.#meter.waitUs(cost, nowUs)) / 1_000);
  }

  #settingMs(): Ms {
    return this.#keeper.settingMs?.() ?? 0;
  }

  #arm(nowMs: Ms): void {
    const deadlines = deadlinesOf(this.#keeper.runtime);
    const [first] = this.#waiting;
    deadlines.remove(this);
    if (first !== undefined) deadlines.add(this, this.#dueMs(first.cost, nowMs), nowMs);
  }
}

/** When a meter that gives nothing now will be set to more nobody knows: the patient may wait. */
function isInTime(dueMs: Ms, untilMs: Ms, nowMs: Ms): boolean {
  return dueMs <= untilMs || (dueMs === Infinity && untilMs > nowMs);
}

/** A call that waits for its permits. */
class Waiter implements Expiring, Active {
  wakeMs = 0;
  heapIndex = -1;
  isOver = false;
  readonly cost: number;
  /** How long its caller would wait, apart from a meter that is being set. */
  readonly patientUntilMs: Ms;
  readonly call: LiveCall;
  readonly promise: Promise<number>;
  resolve!: (cost: number) => void;
  reject!: (reason: unknown) => void;
  readonly #line: RateLine;

  constructor(line: RateLine, call: LiveCall, facts: Pick<Waiter, "cost" | "patientUntilMs">) {
    this.#line = line;
    this.call = call;
    this.cost = facts.cost;
    this.patientUntilMs = facts.patientUntilMs;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    call.active = this;
  }

  end(reason: unknown): void {
    this.#line.left(this);
    this.reject(reason);
  }

  expire(): void {
    this.#line.overdue(this);
  }

  over(): void {
    this.isOver = true;
    this.call.active = undefined;
  }
}
