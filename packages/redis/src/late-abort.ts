/**
 * Listening to abort signals only for calls that last.
 *
 * Adding and removing a listener costs more than the rest of a call's bookkeeping, and most calls
 * are answered within a fraction of a millisecond. So a call under a signal is first only noted;
 * what is still there a few milliseconds later gets its listener.
 *
 * Guarantees: an abort is acted upon at once after `PATIENCE_MS`, and no later than then before.
 */
import { onAbort, type Runtime, type Timer } from "@quorate/core";

const PATIENCE_MS = 5;

/** A call under a signal. */
interface Noted {
  readonly signal: AbortSignal;
  readonly listener: () => void;
  unsubscribe: (() => void) | undefined;
}

/** The calls of one link that are under signals. */
export class LateAbort {
  readonly #runtime: Pick<Runtime, "time">;
  #young = new Set<Noted>();
  #timer: Timer | undefined;

  constructor(runtime: Pick<Runtime, "time">) {
    this.#runtime = runtime;
  }

  /** Calls `listener` when `signal` aborts. Returns the way to unsubscribe. */
  watch(signal: AbortSignal, listener: () => void): () => void {
    if (signal.aborted) {
      listener();
      return () => {};
    }
    const noted: Noted = { signal, listener, unsubscribe: undefined };
    this.#young.add(noted);
    this.#timer ??= this.#runtime.time.setTimer(PATIENCE_MS, () => this.#attach(), {
      keepAlive: false,
    });
    return () => {
      if (!this.#young.delete(noted)) noted.unsubscribe?.();
    };
  }

  /** Forgets what has no listener yet. */
  close(): void {
    this.#young.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #attach(): void {
    this.#timer = undefined;
    const young = this.#young;
    this.#young = new Set();
    for (const noted of young) noted.unsubscribe = onAbort(noted.signal, noted.listener);
  }
}
