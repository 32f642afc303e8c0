/**
 * Waiting for somebody else's run: bounded in time, in number, and by signals.
 *
 * One `Turn` per call that waits: however often it has to look again, its time is counted from the
 * first wait on.
 */
import { type Lifecycle, type Ms, onAbort, type Runtime, type Timer } from "@quorate/core";
import type { Call } from "./call.ts";
import { inFlightError } from "./errors.ts";

/** Starts what is waited for; calls `done` when it has come. Returns the way to stop it. */
export type Start<T> = (done: (value: T) => void) => () => void;

/** Lets calls wait. */
export class Patience {
  readonly #runtime: Pick<Runtime, "time">;
  readonly #lifecycle: Lifecycle;
  readonly #max: number;
  #waiting = 0;

  constructor(runtime: Pick<Runtime, "time">, lifecycle: Lifecycle, max: number) {
    this.#runtime = runtime;
    this.#lifecycle = lifecycle;
    this.#max = max;
  }

  /** The time that `call` may wait in all, from now on. */
  turn(call: Call): Turn {
    return new Turn(call, this.#runtime.time.monotonicMs() + call.waitMs);
  }

  /**
   * Waits for what `start` starts. `leaseLeftMs` is told to a caller whose time is over.
   *
   * @throws IDEMPOTENCY_IN_FLIGHT the time is over, or too many wait already.
   * @throws CLOSED, or the signal's reason.
   */
  wait<T>({ call, untilMs }: Turn, leaseLeftMs: Ms, start: Start<T>): Promise<T> {
    const { key, signal, waitMs } = call;
    const { time } = this.#runtime;
    const over = (why: string): Error => inFlightError(key, why, leaseLeftMs);
    if (this.#waiting >= this.#max) {
      return Promise.reject(over(`${this.#max} calls wait for others already`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting += 1;
      const offs: (() => void)[] = [];
      let isOver = false;
      const end = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        this.#waiting -= 1;
        for (const off of offs) off();
        settle();
      };
      const keep = (off: () => void): void => {
        if (isOver) off();
        else offs.push(off);
      };
      const { stopping } = this.#lifecycle;
      keep(onAbort(stopping, () => end(() => reject(stopping.reason))));
      keep(onAbort(signal, () => end(() => reject(signal?.reason))));
      const leftMs = untilMs - time.monotonicMs();
      const late = (): void => end(() => reject(over(`did not end within ${waitMs} ms`)));
      if (leftMs !== Infinity) keep(cancelOf(time.setTimer(leftMs, late)));
      keep(start((value) => end(() => resolve(value))));
    });
  }
}

/** One call's waiting. */
export class Turn {
  readonly call: Call;
  /** On this process's monotonic clock. */
  readonly untilMs: Ms;

  constructor(call: Call, untilMs: Ms) {
    this.call = call;
    this.untilMs = untilMs;
  }
}

function cancelOf(timer: Timer): () => void {
  return () => timer.cancel();
}
