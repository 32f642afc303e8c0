/**
 * Nudges: "a run of this job waits for somebody", told to all processes over the bus.
 *
 * So a run that `close` has handed back, or that was triggered from elsewhere, begins at once and
 * not at the next look. A hint: the bus may lose it, which costs the half minute until a look comes
 * by itself; and whoever hears it believes nothing but what the record says.
 */
import { type Backend, type Message, type Ms, parseJson, sleep } from "@quorate/core";

const SUBJECT = "cron-nudge";
const AGAIN_MS: Ms = 1_000;
const BOUNDS = { maxBytes: 8_192, maxDepth: 2, maxNodes: 4 };

/** Tells, and hears, of the jobs of one collection. */
export class Nudges {
  readonly #backend: Backend;
  readonly #collection: string;
  readonly #onNudge: (job: string) => void;
  #follows = false;

  constructor(backend: Backend, collection: string, onNudge: (job: string) => void) {
    this.#backend = backend;
    this.#collection = collection;
    this.#onNudge = onNudge;
  }

  /** Tells all processes to look at `job`. Nobody waits for it. */
  tell(job: string): void {
    const data = Buffer.from(JSON.stringify({ collection: this.#collection, job }));
    void this.#publish(data);
  }

  /** Hears from now on until `signal`; once is enough. */
  follow(signal: AbortSignal): void {
    if (this.#follows) return;
    this.#follows = true;
    void this.#subscribe(signal);
  }

  async #subscribe(signal: AbortSignal): Promise<void> {
    const { bus, runtime } = this.#backend;
    while (!signal.aborted) {
      try {
        await bus.subscribe(SUBJECT, (message) => this.#heard(message), { signal });
        return;
      } catch {
        // Without it, the look of every half minute finds the same.
        await sleep(runtime, AGAIN_MS, { signal, keepAlive: false }).catch(() => {});
      }
    }
  }

  async #publish(data: Uint8Array): Promise<void> {
    try {
      await this.#backend.bus.publish(SUBJECT, data);
    } catch {
      // A hint that got lost.
    }
  }

  #heard({ data }: Message): void {
    const parsed = parseJson(data, BOUNDS);
    if (!parsed.ok || typeof parsed.value !== "object" || parsed.value === null) return;
    const { collection, job } = parsed.value as { collection?: unknown; job?: unknown };
    if (collection === this.#collection && typeof job === "string") this.#onNudge(job);
  }
}
