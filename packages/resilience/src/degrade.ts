/**
 * Last good answer: when a call fails, what the same call answered a while ago.
 *
 * For reads where yesterday's answer is better than none. Answers are remembered by the call's key
 * (or by what `key` makes of the call), so a call without one is neither remembered nor answered:
 * one user must not be given another's.
 *
 * Guarantees: at most `max` answers are remembered, the least recently used goes first; none older
 * than `maxAgeMs` is given. Given is the identical object: do not change what you were answered.
 * Does not guarantee freshness. Not for calls that change something: the answer would be a lie.
 */
import { boundedString, callable, knownOptions, type Ms, positiveInteger } from "@quorate/core";

import type { Call } from "./call.ts";
import { duration } from "./duration.ts";
import { reportFailure } from "./emitter.ts";
import {
  Degrading,
  type FallbackEvents,
  type FallbackOptions,
  type FallbackStats,
} from "./fallback.ts";
import type { Loop, Next } from "./layer.ts";
import type { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import { notFollowed } from "./retry-answer.ts";

/** Options of `lastGood`. */
export interface LastGoodOptions extends FallbackOptions {
  /** Answers older than this are not given. */
  readonly maxAgeMs: Ms;
  /** What the call asks for, 1 to 1024 bytes; undefined: do not remember. @default call.key */
  readonly key?: ((call: Call) => string | undefined) | undefined;
  /** Answers remembered. @default 1_000 */
  readonly max?: number | undefined;
}

interface Remembered {
  readonly value: unknown;
  readonly atMs: Ms;
}

const LONGEST_KEY_BYTES = 1_024;

class LastGoodLoop implements Loop {
  readonly kind = "loop";
  readonly rank = "fallback";
  readonly runtime: Degrading["runtime"];
  readonly degrading: Degrading;
  /** Least recently used first. */
  readonly #answers = new Map<string, Remembered>();
  readonly #maxAgeMs: Ms;
  readonly #max: number;
  readonly #key: (call: Call) => string | undefined;

  constructor(options: LastGoodOptions) {
    this.degrading = new Degrading(options, "lastGood");
    this.runtime = this.degrading.runtime;
    this.#maxAgeMs = duration("maxAgeMs", options.maxAgeMs);
    this.#max = positiveInteger("max", options.max ?? 1_000);
    this.#key = callable("key", options.key ?? ((call: Call) => call.key));
  }

  get size(): number {
    return this.#answers.size;
  }

  async around(call: LiveCall, next: Next): Promise<unknown> {
    const key = this.#keyOf(call);
    let value: unknown;
    try {
      value = await next(call);
    } catch (error) {
      this.degrading.admit(call, error);
      const last = key === undefined ? undefined : this.#recall(key);
      if (last === undefined) {
        this.degrading.counts.failed += 1;
        throw error;
      }
      this.degrading.degraded(error, this.runtime.time.monotonicMs() - last.atMs);
      return last.value;
    }
    if (key !== undefined) this.#remember(key, value);
    return value;
  }

  clear(): void {
    this.#answers.clear();
  }

  #keyOf(call: LiveCall): string | undefined {
    try {
      const key = this.#key(call);
      if (key === undefined) return undefined;
      if (typeof key !== "string") throw notFollowed("key", key, "a string");
      return boundedString("key", key, LONGEST_KEY_BYTES);
    } catch (thrown) {
      reportFailure(this.runtime, `key of ${this.degrading.name}`, thrown);
      return undefined;
    }
  }

  #remember(key: string, value: unknown): void {
    this.#answers.delete(key); // So that it becomes the most recently used.
    this.#answers.set(key, { value, atMs: this.runtime.time.monotonicMs() });
    if (this.#answers.size <= this.#max) return;
    for (const oldest of this.#answers.keys()) return void this.#answers.delete(oldest);
  }

  #recall(key: string): Remembered | undefined {
    const found = this.#answers.get(key);
    if (found === undefined) return undefined;
    this.#answers.delete(key);
    if (this.runtime.time.monotonicMs() - found.atMs > this.#maxAgeMs) return undefined;
    this.#answers.set(key, found);
    return found;
  }
}

/** Last good answers: a policy that can be run alone, put into a `pipe`, and listened to. */
export class LastGood extends LayeredPolicy {
  readonly #loop: LastGoodLoop;

  /** See `lastGood`. */
  constructor(options: LastGoodOptions) {
    const loop = new LastGoodLoop(options);
    super([loop], loop.runtime);
    this.#loop = loop;
  }

  /** Counters since it was made. */
  get stats(): FallbackStats {
    return { ...this.#loop.degrading.counts };
  }

  /** How many answers are remembered. */
  get size(): number {
    return this.#loop.size;
  }

  /** Forgets all answers. */
  clear(): void {
    this.#loop.clear();
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof FallbackEvents>(
    type: K,
    listener: (event: FallbackEvents[K]) => void,
  ): () => void {
    return this.#loop.degrading.signals.on(type, listener);
  }
}

/**
 * A policy that answers a failed call with what it last answered.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range
 * @example
 * import { lastGood } from "@quorate/resilience";
 * const policy = lastGood({ maxAgeMs: 60_000 });
 * let isDown = false;
 * const price = () => {
 *   if (isDown) throw new Error("pricing is down");
 *   return 100;
 * };
 * await policy.run(price, { key: "sku-7", repeat: "safe" });
 * isDown = true;
 * console.log(await policy.run(price, { key: "sku-7", repeat: "safe" })); // => 100
 */
export function lastGood(options: LastGoodOptions): LastGood {
  knownOptions("lastGood", options, ["maxAgeMs", "key", "max", "when", "name", "runtime"]);
  return new LastGood(options);
}
