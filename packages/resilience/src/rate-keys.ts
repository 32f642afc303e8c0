/**
 * A limit for each key: tenants, users, hosts.
 *
 * A key that has rested until its meter is full is like one that was never seen, so forgetting it
 * loses nothing. That is who makes room when a new key comes and `maxKeys` are known: of the few
 * that were used longest ago, those that are full.
 *
 * Guarantees: at most `maxKeys` meters, and no key is ever let through more than its limit.
 * Does not guarantee a meter of its own to each: keys that come while none of the known ones is
 * full share one, and hold each other back. A flood of made-up keys thus costs newcomers, but
 * neither memory nor those who were here before.
 */
import type { Ms } from "@quorate/core";

import type { RateLine } from "./rate-line.ts";

/** Longest key; longer ones are no keys. */
export const MAX_KEY_LENGTH = 512;

/** How many known keys are looked at when a newcomer needs room. */
const LOOKS = 16;

/** Lines by key. */
export class KeyedLines {
  readonly #maxKeys: number;
  readonly #make: () => RateLine;
  /** Least recently used first. */
  readonly #lines = new Map<string, RateLine>();
  #overflow: RateLine | undefined;

  constructor(maxKeys: number, make: () => RateLine) {
    this.#maxKeys = maxKeys;
    this.#make = make;
  }

  /** Keys that have a line of their own. */
  get size(): number {
    return this.#lines.size;
  }

  /** Calls that wait, whatever their key. Walks over all keys. */
  get waiting(): number {
    let sum = this.#overflow?.waiting ?? 0;
    for (const line of this.#lines.values()) sum += line.waiting;
    return sum;
  }

  /** The line of `key`. */
  line(key: string, nowMs: Ms): RateLine {
    const known = this.#lines.get(key);
    if (known !== undefined) {
      this.#lines.delete(key);
      this.#lines.set(key, known);
      return known;
    }
    if (this.#lines.size >= this.#maxKeys) this.#makeRoom(nowMs);
    if (this.#lines.size >= this.#maxKeys) return (this.#overflow ??= this.#make());
    const line = this.#newLine(nowMs);
    if (line !== this.#overflow) this.#lines.set(key, line);
    return line;
  }

  /** A key that has used the shared meter must not begin as if it had not. */
  #newLine(nowMs: Ms): RateLine {
    const overflow = this.#overflow;
    if (overflow === undefined) return this.#make();
    if (overflow.isIdle(nowMs)) {
      this.#overflow = undefined;
      return this.#make();
    }
    return overflow.waiting > 0 ? overflow : overflow.fork();
  }

  #makeRoom(nowMs: Ms): void {
    let looks = 0;
    for (const [key, line] of this.#lines) {
      if (looks++ === LOOKS) return;
      if (line.isIdle(nowMs)) this.#lines.delete(key);
    }
  }
}
