/**
 * The store's clock: milliseconds for lengths of time, microseconds for revisions and tokens.
 *
 * The two are read once per step and handed to the machines, which own no clock. Lengths count on
 * the monotonic clock, where a set-back wall clock makes no lease longer, or, as on Redis, on the
 * wall clock. Positions count on the wall clock, as on every engine, so that a store that forgot
 * everything still goes upwards.
 */
import type { Runtime } from "@quorate/core";

/** An instant as the store sees it. */
export interface Now {
  /** For what expires. */
  readonly ms: number;
  /** Since 1970, a safe integer; for revisions and tokens. */
  readonly micros: number;
}

/** The clock that leases and retention count on. */
export type TtlClock = "monotonic" | "wall";

/** The store's clock, whose wall time a test may step. */
export class StoreClock {
  readonly #time: Runtime["time"];
  readonly #isWall: boolean;
  #stepMs = 0;
  /** Added to the monotonic clock, so that it goes on where a server's earlier life ended. */
  #offsetMs = 0;
  #stopped: { readonly ms: number; readonly wallMs: number } | undefined;

  constructor(runtime: Pick<Runtime, "time">, ttlClock: TtlClock = "monotonic") {
    this.#time = runtime.time;
    this.#isWall = ttlClock === "wall";
  }

  now(): Now {
    const wallMs = this.#time.wallMs() + this.#stepMs;
    return { ms: this.#isWall ? wallMs : this.steadyMs(), micros: Math.floor(wallMs * 1_000) };
  }

  /** Never goes back, nor jumps when the wall clock is set while the server runs. */
  steadyMs(): number {
    return this.#time.monotonicMs() + this.#offsetMs;
  }

  /** Sets the server's wall clock forward, or back. */
  step(ms: number): void {
    this.#stepMs += ms;
  }

  /** The server's life ends. */
  stop(): void {
    this.#stopped = { ms: this.steadyMs(), wallMs: this.#time.wallMs() + this.#stepMs };
  }

  /** Another one begins: how long it was dead only the wall clock knows. */
  start(): void {
    if (this.#stopped === undefined) return;
    const { ms, wallMs } = this.#stopped;
    const deadMs = Math.max(0, this.#time.wallMs() + this.#stepMs - wallMs);
    this.#offsetMs += ms + deadMs - this.steadyMs();
    this.#stopped = undefined;
  }
}

/** The next position after `last`: time where it has moved on, else one more. */
export function nextPosition(last: number, now: Now): number {
  return Math.max(last + 1, now.micros);
}
