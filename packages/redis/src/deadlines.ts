/**
 * One timer for the deadlines of all calls.
 *
 * Most calls end long before their deadline; a timer set and cancelled for each would cost more
 * than the rest of its bookkeeping. Here a single timer waits for the soonest deadline of all and
 * is left alone while calls come and go.
 *
 * Guarantees: after a stall of the event loop, packets that have come are read before anything is
 * judged late; Node would run the timers first.
 */
import type { Ms, Runtime, Timer } from "@quorate/core";

/** A timer this late means that the event loop stood still. */
const STALL_MS = 50;
const DRAIN_MS = 5;

/** Calls back when a deadline has passed. */
export class Deadlines {
  readonly #runtime: Pick<Runtime, "time">;
  readonly #expire: (nowMs: Ms) => Ms;
  #timer: { readonly timer: Timer; readonly atMs: Ms; readonly drained: boolean } | undefined;

  /** `expire` settles what is due and returns the next deadline, or Infinity. */
  constructor(runtime: Pick<Runtime, "time">, expire: (nowMs: Ms) => Ms) {
    this.#runtime = runtime;
    this.#expire = expire;
  }

  /** There is a call with this deadline. */
  expect(atMs: Ms): void {
    if (this.#timer !== undefined) {
      if (this.#timer.atMs <= atMs) return;
      this.#timer.timer.cancel();
    }
    this.#arm(atMs, false);
  }

  /** Forgets all. */
  close(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  #arm(atMs: Ms, drained: boolean): void {
    const { time } = this.#runtime;
    const delayMs = Math.max(0, atMs - time.monotonicMs());
    const timer = time.setTimer(delayMs, () => this.#fire(), { keepAlive: false });
    this.#timer = { timer, atMs, drained };
  }

  #fire(): void {
    const nowMs = this.#runtime.time.monotonicMs();
    const lateMs = nowMs - (this.#timer?.atMs ?? nowMs);
    const drained = this.#timer?.drained === true;
    this.#timer = undefined;
    if (lateMs > STALL_MS && !drained) return this.#arm(nowMs + DRAIN_MS, true);
    const nextMs = this.#expire(nowMs);
    if (nextMs < Infinity) this.expect(nextMs);
  }
}
