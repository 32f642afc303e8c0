/**
 * The server's clock, as seen from here.
 *
 * Retention counts from a message's own time stamp, which the server set; so what matters is what
 * the server's clock says now. It is never compared with this machine's wall clock. A reading is
 * taken off the server (the time in an answer, or the stamp of a message stored for the purpose)
 * and carried on by the monotonic clock.
 *
 * Guarantees: the estimate is never ahead of the server's clock, except by the drift of two
 * oscillators since the last reading; it is behind by at most the reading's round trip. So nothing
 * is judged dead too early. Does not guarantee: anything over a step of the server's clock, which
 * is noticed with the next reading.
 */
import type { Ms, Runtime } from "@quorate/core";

/** A reading older than this is taken anew before a life is judged by it. */
export const READING_LASTS_MS = 30_000;

/** What a reading is taken from: the server's time, no later than now. */
export type ReadServerTime = () => Promise<Ms>;

/** Carries readings on. */
export class ServerClock {
  readonly #runtime: Pick<Runtime, "time">;
  #offsetMs: Ms | undefined;
  #takenMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(runtime: Pick<Runtime, "time">) {
    this.#runtime = runtime;
  }

  /** The server's clock read `serverMs` at some time before now. */
  observe(serverMs: Ms): void {
    const nowMs = this.#runtime.time.monotonicMs();
    this.#offsetMs = serverMs - nowMs;
    this.#takenMs = nowMs;
  }

  /** The server's time by the last reading, however old; `undefined` before the first. */
  estimateMs(): Ms | undefined {
    if (this.#offsetMs === undefined) return undefined;
    return this.#runtime.time.monotonicMs() + this.#offsetMs;
  }

  /** Age of the last reading. */
  get ageMs(): Ms {
    return this.#runtime.time.monotonicMs() - this.#takenMs;
  }

  /** The server's time by a reading no older than `maxAgeMs`; takes one with `read` if needed. */
  async nowMs(read: ReadServerTime, maxAgeMs: Ms = READING_LASTS_MS): Promise<Ms> {
    if (this.ageMs > maxAgeMs) {
      // Many entries judged at once share one reading.
      this.#reading ??= read()
        .then((serverMs) => this.observe(serverMs))
        .finally(() => (this.#reading = undefined));
      await this.#reading;
    }
    return this.estimateMs() ?? 0;
  }
}
