/**
 * The store's clock: milliseconds for lengths of time, microseconds for revisions and tokens.
 *
 * The two are read once per step and handed to the machines, which own no clock. Lengths count on
 * the monotonic clock; a set-back wall clock makes no lease longer. Positions count on the wall
 * clock, as on every engine, so that a store that forgot everything still goes upwards.
 */
import type { Runtime } from "@quorate/core";

/** An instant as the store sees it. */
export interface Now {
  /** Monotonic; for what expires. */
  readonly ms: number;
  /** Since 1970, a safe integer; for revisions and tokens. */
  readonly micros: number;
}

/** The store's clock, whose wall time a test may step. */
export class StoreClock {
  readonly #time: Runtime["time"];
  #stepMs = 0;

  constructor(runtime: Pick<Runtime, "time">) {
    this.#time = runtime.time;
  }

  now(): Now {
    const micros = Math.floor((this.#time.wallMs() + this.#stepMs) * 1_000);
    return { ms: this.#time.monotonicMs(), micros };
  }

  /** Sets the server's wall clock forward, or back. */
  step(ms: number): void {
    this.#stepMs += ms;
  }
}

/** The next position after `last`: time where it has moved on, else one more. */
export function nextPosition(last: number, now: Now): number {
  return Math.max(last + 1, now.micros);
}
