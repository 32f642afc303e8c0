/**
 * All deadlines of a runtime behind one timer.
 *
 * A timer of its own for each call costs more than the whole policy. Calls in flight are kept in a
 * heap; the one timer is armed for the soonest, and is left armed for a moment when the heap runs
 * empty, because the next call is usually near.
 *
 * A stalled event loop runs its due timers before the packets that have long arrived. So a tick
 * that comes late lets the loop turn once before anybody is called late.
 *
 * A test framework that fakes timers takes those that are armed with it when it gives the real
 * ones back. The next who comes notices that a tick is overdue, and arms anew.
 */
import { DueHeap, type Ms, type Runtime, type Time, type Timer, type Waking } from "@quorate/core";

/** Something that ends at `wakeMs`. */
export interface Expiring extends Waking {
  /** Its time has come; it has been taken out. Must not throw. */
  expire(): void;
}

/** How long an idle timer stays armed, and so may keep the process alive. */
const LINGER_MS = 20;
/** A tick later than this means that the loop was blocked. */
const STALL_MS = 100;
/** Long enough for one turn of the loop, in which waiting packets are read. */
const TURN_MS = 1;

/** The deadlines of one clock. */
export class Deadlines {
  readonly #time: Time;
  readonly #heap = new DueHeap<Expiring>();
  #timer: Timer | undefined;
  #armedForMs = Infinity;
  #isResting = false;

  constructor(time: Time) {
    this.#time = time;
  }

  /**
   * Expires `item` at `atMs`, unless it is removed before. Infinity: never. `nowMs`: the clock as
   * the caller last read it; a reading more for each call would be felt.
   */
  add(item: Expiring, atMs: Ms, nowMs: Ms): void {
    if (atMs === Infinity) return;
    this.#heap.update(item, atMs);
    if (atMs < this.#armedForMs) this.#arm(atMs);
    else if (nowMs - this.#armedForMs > STALL_MS) this.#arm(nowMs + TURN_MS);
  }

  /** Forgets `item`; nothing if it is not in. */
  remove(item: Expiring): void {
    this.#heap.remove(item);
    if (this.#heap.size === 0 && !this.#isResting) this.#rest();
  }

  #arm(atMs: Ms): void {
    this.#timer?.cancel();
    this.#armedForMs = atMs;
    const delayMs = Math.max(0, atMs - this.#time.monotonicMs());
    this.#timer = this.#time.setTimer(delayMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#time.monotonicMs();
    const lateMs = nowMs - this.#armedForMs;
    this.#disarm();
    if (lateMs > STALL_MS) return this.#arm(nowMs + TURN_MS);
    for (let due = this.#heap.peek(); due !== undefined; due = this.#heap.peek()) {
      if (due.wakeMs > nowMs) return this.#arm(due.wakeMs);
      this.#heap.remove(due);
      due.expire();
    }
  }

  /** Nobody waits; if that is still so in a moment, the process need not stay alive for us. */
  #rest(): void {
    if (this.#timer === undefined) return;
    this.#isResting = true;
    this.#time.setTimer(
      LINGER_MS,
      () => {
        this.#isResting = false;
        if (this.#heap.size === 0) this.#disarm();
      },
      { keepAlive: true },
    );
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedForMs = Infinity;
  }
}

const byClock = new WeakMap<Time, Deadlines>();
/** The last one asked for: outside of tests a process has one clock. */
let latest: { readonly time: Time; readonly deadlines: Deadlines } | undefined;

/** The deadlines of a runtime; the same object for all who share its clock. */
export function deadlinesOf(runtime: Pick<Runtime, "time">): Deadlines {
  const { time } = runtime;
  if (latest?.time === time) return latest.deadlines;
  const deadlines = byClock.get(time) ?? new Deadlines(time);
  byClock.set(time, deadlines);
  latest = { time, deadlines };
  return deadlines;
}
