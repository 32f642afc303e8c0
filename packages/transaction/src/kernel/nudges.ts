/**
 * Nudges: "somebody wrote this instance, look at it", told to all workers over the bus.
 *
 * So an operator's word is heeded at once and not at the next look. A hint: the bus may lose it,
 * and whoever hears it believes nothing but what the store says.
 */
import { type Backend, MAX_SEGMENT_BYTES, type Message, parseJson } from "@quorate/core";
import { listen } from "./listen.ts";

const SUBJECT = "transaction-nudge";
const MAX_BYTES = 1_024;

/** Tells, and hears. */
export class Nudges {
  readonly #backend: Backend;
  readonly #onNudge: (collection: string, id: string) => void;

  constructor(backend: Backend, onNudge: (collection: string, id: string) => void) {
    this.#backend = backend;
    this.#onNudge = onNudge;
  }

  /** Tells all workers. Nobody waits for it. */
  tell(collection: string, id: string): void {
    const data = Buffer.from(JSON.stringify({ collection, id }));
    void this.#publish(data);
  }

  /** Hears until `signal`. Never rejects. Without the bus the scan finds the same, later. */
  follow(signal: AbortSignal): Promise<void> {
    const handler = (message: Message): void => this.#heard(message);
    return listen(this.#backend, { subject: SUBJECT, signal }, handler);
  }

  async #publish(data: Uint8Array): Promise<void> {
    try {
      await this.#backend.bus.publish(SUBJECT, data);
    } catch {
      // A hint that got lost.
    }
  }

  #heard(message: Message): void {
    const parsed = parseJson(message.data, { maxBytes: MAX_BYTES, maxDepth: 2, maxNodes: 4 });
    if (!parsed.ok || typeof parsed.value !== "object" || parsed.value === null) return;
    const { collection, id } = parsed.value as { collection?: unknown; id?: unknown };
    if (typeof collection !== "string" || typeof id !== "string") return;
    if (id.length <= MAX_SEGMENT_BYTES) this.#onNudge(collection, id);
  }
}
