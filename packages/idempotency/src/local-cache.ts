/**
 * Answers that this process has seen, within bounds, so that a repeat need not ask the store.
 *
 * Kept as text, so that each caller gets a value of its own. An entry's end counts from before the
 * question was sent, on the clock on which more time has passed, less a margin: it is never
 * younger here than in the store.
 *
 * Does not guarantee to hear of a `forget` in another process before `maxAgeMs`.
 */
import { leaseLeftMs, leaseWindow, type LeaseWindow, type Ms, type Time } from "@quorate/core";
import type { StoredAnswer } from "./record.ts";
import type { LocalCacheOptions } from "./options.ts";

/** Readings of the two clocks. */
export type Clocks = Pick<Time, "monotonicMs" | "wallMs">;

/** An answer, and how long the store keeps it. */
export interface KeptAnswer {
  readonly fingerprint: string;
  readonly answer: StoredAnswer;
  readonly keptMs: Ms;
}

interface CachedAnswer {
  readonly fingerprint: string;
  readonly answer: StoredAnswer;
  /** How long it may be used. */
  readonly window: LeaseWindow;
}

/** A bounded map, the least recently used goes first. */
export class LocalCache {
  readonly #maxAgeMs: Ms;
  readonly #max: number;
  readonly #maxBytes: number;
  readonly #time: Time;
  /** In the order of use: the first is the one to go. */
  readonly #answers = new Map<string, CachedAnswer>();
  #bytes = 0;

  constructor(options: Required<LocalCacheOptions>, time: Time) {
    this.#maxAgeMs = options.maxAgeMs;
    this.#max = options.max;
    this.#maxBytes = options.maxBytes;
    this.#time = time;
  }

  /** The clocks as they are now: to be taken before the question is sent. */
  reading(): Clocks {
    const monotonicMs = this.#time.monotonicMs();
    const wallMs = this.#time.wallMs();
    return { monotonicMs: () => monotonicMs, wallMs: () => wallMs };
  }

  /** The answer to this request, if it is known and still good. */
  get(storeKey: string, fingerprint: string): StoredAnswer | undefined {
    const cached = this.#answers.get(storeKey);
    if (cached === undefined) return undefined;
    if (leaseLeftMs(this.#time, cached.window) <= 0) {
      this.delete(storeKey);
      return undefined;
    }
    // Another request: that is for the store to say, which knows the newest.
    if (cached.fingerprint !== fingerprint) return undefined;
    this.#answers.delete(storeKey);
    this.#answers.set(storeKey, cached);
    return cached.answer;
  }

  /** Keeps an answer that the store keeps for `keptMs` from `since` on, unless it is too large. */
  put(storeKey: string, kept: KeptAnswer, since: Clocks): void {
    this.delete(storeKey);
    const { fingerprint, answer } = kept;
    const window = leaseWindow(since, Math.min(kept.keptMs, this.#maxAgeMs));
    const cached = { fingerprint, answer, window };
    const size = sizeOf(cached);
    if (size > this.#maxBytes || leaseLeftMs(this.#time, cached.window) <= 0) return;
    this.#answers.set(storeKey, cached);
    this.#bytes += size;
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#max && this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  /** Forgets an answer. */
  delete(storeKey: string): void {
    const cached = this.#answers.get(storeKey);
    if (cached === undefined) return;
    this.#answers.delete(storeKey);
    this.#bytes -= sizeOf(cached);
  }
}

/** Two bytes a character, at worst. */
function sizeOf({ answer }: CachedAnswer): number {
  return 2 * answer.text.length;
}
