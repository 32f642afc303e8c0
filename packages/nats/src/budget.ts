/**
 * What is left of a call's deadline.
 *
 * A call here is several exchanges: waiting for a link, reading, writing, asking again. All of
 * them draw on one deadline, set when the call began.
 */
import { sleep } from "@quorate/core";
import type { Ms, Runtime } from "@quorate/core";

/** One call's time and signal. */
export class Budget {
  readonly timeoutMs: Ms;
  readonly signal: AbortSignal | undefined;
  readonly #runtime: Pick<Runtime, "time">;
  readonly #startedMs: Ms;

  constructor(
    runtime: Pick<Runtime, "time">,
    call: { readonly timeoutMs: Ms; readonly signal: AbortSignal | undefined },
  ) {
    this.timeoutMs = call.timeoutMs;
    this.signal = call.signal;
    this.#runtime = runtime;
    this.#startedMs = runtime.time.monotonicMs();
  }

  /** Milliseconds since the call began. */
  get spentMs(): Ms {
    return this.#runtime.time.monotonicMs() - this.#startedMs;
  }

  /** Milliseconds left; zero or less: over. */
  get leftMs(): Ms {
    return this.timeoutMs - this.spentMs;
  }

  /** True while there is time for another exchange and nobody gave up. */
  get open(): boolean {
    return this.leftMs > 0 && this.signal?.aborted !== true;
  }

  /** Waits `ms`, or what is left if that is less. An abort ends the wait early, without error. */
  async pause(ms: Ms): Promise<void> {
    const pauseMs = Math.min(ms, Math.max(0, this.leftMs));
    await sleep(this.#runtime, pauseMs, { signal: this.signal }).catch(() => {});
  }
}
