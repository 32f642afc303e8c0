/**
 * The waits of one saga: for a time, or until something may have changed.
 */
import type { Ms, Runtime } from "@quorate/core";
import type { Alarms } from "./alarms.ts";

/** A wait until a wall time, as it is counted here. */
interface Until {
  readonly notBeforeMs: Ms;
  /** On the monotonic clock. */
  readonly untilMs: Ms;
}

/** What a saga waits for. */
export class Waits {
  readonly #time: Runtime["time"];
  readonly #alarms: Alarms;
  readonly #wakes = new Set<() => void>();
  readonly #until = new Map<string, Until>();

  constructor(time: Runtime["time"], alarms: Alarms) {
    this.#time = time;
    this.#alarms = alarms;
  }

  /** Ends waits: something may have changed. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }

  /** For `ms`, or until something may have changed. */
  pause(ms: Ms): Promise<void> {
    return new Promise<void>((resolve) => {
      const end = (): void => {
        this.#alarms.clear(alarm);
        this.#wakes.delete(end);
        resolve();
      };
      const alarm = this.#alarms.set(ms, end);
      this.#wakes.add(end);
    });
  }

  /**
   * What is left until wall time `notBeforeMs`, at most `boundMs`. Counted on the monotonic clock
   * from when it was first seen under `key`.
   */
  leftMs(key: string, notBeforeMs: Ms, boundMs: Ms): Ms {
    const monotonicMs = this.#time.monotonicMs();
    let until = this.#until.get(key);
    if (until?.notBeforeMs !== notBeforeMs) {
      const leftMs = Math.min(Math.max(0, notBeforeMs - this.#time.wallMs()), boundMs);
      until = { notBeforeMs, untilMs: monotonicMs + leftMs };
      this.#until.set(key, until);
    }
    return Math.max(0, until.untilMs - monotonicMs);
  }

  /** A signal that aborts at the next wake, for waits on others. */
  signal(): { readonly signal: AbortSignal; readonly detach: () => void } {
    const controller = new AbortController();
    const end = (): void => controller.abort();
    this.#wakes.add(end);
    return { signal: controller.signal, detach: () => void this.#wakes.delete(end) };
  }
}
