/**
 * Seeds and the streams of chance drawn from them.
 *
 * A run has one seed of 64 bits, and every part of the world that rolls dice has a stream of its
 * own, made of the seed and the part's name. So a process that draws once more than before does
 * not change what any other draws: without that, taking one fault out of a failing run would roll
 * everything after it anew, and no failure could be made smaller.
 *
 * Guarantees: the same on every machine and every version of Node; integers of 32 bits only. Not
 * for secrets.
 *
 * The generator is Chris Doty-Humphrey's sfc32, the mixing step Austin Appleby's fmix32.
 */
import { invalidArgument, type Random } from "@quorate/core";

/** A seed as callers write it: a number, a bigint, or a string such as `0x2f`. */
export type SeedLike = bigint | number | string;

/** A seed in two halves of 32 bits, and as people read it. */
export interface Seed {
  readonly high: number;
  readonly low: number;
  /** In hexadecimal, `0x2f`. `parseSeed` reads it. */
  readonly text: string;
}

const WARM_UP_ROUNDS = 12;

/** A seed of 64 bits; larger and negative ones wrap around. */
export function parseSeed(seed: SeedLike): Seed {
  const wide = BigInt.asUintN(64, wholeNumber(seed));
  return {
    high: Number(wide >> 32n),
    low: Number(wide & 0xff_ff_ff_ffn),
    text: `0x${wide.toString(16)}`,
  };
}

function wholeNumber(seed: SeedLike): bigint {
  const expected = "a whole number, or a text such as 0x2f";
  const isBlank = typeof seed === "string" && seed.trim() === "";
  try {
    // What is not there would be read as zero, and a forgotten seed be a lucky one.
    if (!isBlank) return BigInt(seed);
  } catch {
    // Not a whole number: said below, like a blank.
  }
  throw invalidArgument("seed", seed, expected);
}

/** Spreads each bit of `value` over all 32. */
export function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** 32 bits out of a text; `salt` gives another function. */
export function hashText(text: string, salt = 0): number {
  let hash = mix(salt ^ 0x9e3779b9);
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash ^= hash >>> 15;
  }
  return mix(hash ^ text.length);
}

/** 32 bits out of three numbers: chance without a state, for what must not be rolled anew. */
export function hashOf(key: number, count: number, salt: number): number {
  return mix(key ^ mix(count + Math.imul(salt, 0x9e3779b1)));
}

/** A number of [0, 1) out of three: see `hashOf`. */
export function unitOf(key: number, count: number, salt: number): number {
  return hashOf(key, count, salt) / 4_294_967_296;
}

/** One part's stream of chance. */
export class Stream implements Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: Seed, name: string) {
    this.#a = mix(seed.high ^ hashText(name, 1));
    this.#b = mix(seed.low ^ hashText(name, 2));
    this.#c = mix(Math.imul(seed.high, 31) ^ seed.low ^ hashText(name, 3));
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.uint32();
  }

  /** The next 32 bits. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), in steps of 2⁻³². */
  next(): number {
    return this.uint32() / 4_294_967_296;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index += 4) {
      const word = this.uint32();
      for (let byte = 0; byte < 4 && index + byte < length; byte++) {
        bytes[index + byte] = word >>> (8 * byte);
      }
    }
    return bytes;
  }

  /** A whole number of [0, `count`). */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** A number of [`from`, `to`). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** True with probability `share`. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of `items`; `undefined` of none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  /** Each item with probability `share`, in their order. */
  some<T>(items: readonly T[], share: number): T[] {
    return items.filter(() => this.chance(share));
  }
}
