/**
 * The watch on one record while somebody waits for it.
 *
 * Opened by the first who waits, closed a while after the last one has gone: a busy lock would
 * otherwise subscribe and unsubscribe at each hand-over. A watch that fails is begun anew; what
 * fell into the gap comes with its first state.
 */
import { sleep } from "../abort.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { Change, KvStore } from "../waist/kv.ts";

const LINGER_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/** Watches a key from `open` to some time after `close`. */
export class Vigil {
  readonly #kv: KvStore;
  readonly #key: string;
  readonly #runtime: Runtime;
  readonly #onChange: (change: Change) => void;
  #watching: AbortController | undefined;
  #linger: Timer | undefined;

  /** `onChange` must not throw. */
  constructor(kv: KvStore, key: string, runtime: Runtime, onChange: (change: Change) => void) {
    this.#kv = kv;
    this.#key = key;
    this.#runtime = runtime;
    this.#onChange = onChange;
  }

  /** True until the watch has ended, lingering included. */
  get isOpen(): boolean {
    return this.#watching !== undefined;
  }

  /** Begins to watch, or goes on. */
  open(): void {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (this.#watching !== undefined) return;
    this.#watching = new AbortController();
    void this.#watch(this.#watching.signal);
  }

  /** Ends the watch in a while, or with `stopping` at once. */
  close(stopping?: "now"): void {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (this.#watching === undefined) return;
    const end = (): void => {
      this.#watching?.abort();
      this.#watching = undefined;
    };
    if (stopping === "now") end();
    else this.#linger = this.#runtime.time.setTimer(LINGER_MS, end, { keepAlive: false });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        for await (const change of this.#kv.watch(this.#key, { signal })) {
          if (signal.aborted) return;
          if (change.kind !== "stale") retryMs = FIRST_RETRY_MS;
          this.#onChange(change);
        }
      } catch {
        // Whatever ended it, the answer is the same: try again, ever more slowly.
      }
      try {
        await sleep(this.#runtime, retryMs, { signal, keepAlive: false });
      } catch {
        return;
      }
      retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
    }
  }
}
