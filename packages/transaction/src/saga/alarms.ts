/**
 * Alarms: one timer for all attempts and waits of a worker.
 *
 * An attempt that is answered in a millisecond sets and clears its timeout in a heap, and the timer
 * below, which is set to the soonest that it has seen, mostly never hears of it.
 */
import { DueHeap, type Ms, type Runtime, type Timer, type Waking } from "@quorate/core";

/** Something that is told when its time has come. Outside: `heapIndex` is -1. */
export interface Alarm extends Waking {
  ring(): void;
}

/** Alarms on the monotonic clock. */
export class Alarms {
  readonly #time: Runtime["time"];
  readonly #heap = new DueHeap<Alarm>();
  #timer: Timer | undefined;
  #timerMs = Infinity;

  constructor(runtime: Pick<Runtime, "time">) {
    this.#time = runtime.time;
  }

  /** Calls `ring` once, `ms` from now. */
  set(ms: Ms, ring: () => void): Alarm {
    const alarm: Alarm = { wakeMs: 0, heapIndex: -1, ring };
    this.add(ms, alarm);
    return alarm;
  }

  /** Rings `alarm` once, `ms` from now. */
  add(ms: Ms, alarm: Alarm): void {
    this.#heap.update(alarm, this.#time.monotonicMs() + ms);
    this.#arm();
  }

  /** Never rings, if it has not yet. */
  clear(alarm: Alarm): void {
    this.#heap.remove(alarm);
    if (this.#heap.size > 0) return;
    // Nothing is waited for: the process may end.
    this.#timer?.cancel();
    this.#timerMs = Infinity;
  }

  #arm(): void {
    const first = this.#heap.peek();
    if (first === undefined || first.wakeMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = first.wakeMs;
    const delayMs = first.wakeMs - this.#time.monotonicMs();
    this.#timer = this.#time.setTimer(Math.max(0, delayMs), () => this.#fire());
  }

  #fire(): void {
    this.#timerMs = Infinity;
    const nowMs = this.#time.monotonicMs();
    for (let due = this.#heap.peek(); due !== undefined && due.wakeMs <= nowMs;) {
      this.#heap.remove(due);
      due.ring();
      due = this.#heap.peek();
    }
    this.#arm();
  }
}
