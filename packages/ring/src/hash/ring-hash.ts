/**
 * The hash of a ring, exchangeable: for tests that force collisions, and for meeting another
 * system's hash. The default is MurmurHash3 and its finalizer.
 *
 * The ring trusts it: the same text must give the same number in every process, spread evenly over
 * 32 bits. A weak hash shows as an uneven load, see docs/placement.md.
 */
import { boundedString, callable, invalidArgument, knownOptions } from "@quorate/core";
import { fmix32, murmur3 } from "./murmur3.ts";

/** A hash with a name. */
export interface RingHash {
  /** Goes into the fingerprint, up to 64 bytes: rings with different hashes must not look alike. */
  readonly name: string;
  /** The hash of `text` under `seed`; its low 32 bits are taken. */
  readonly of: (text: string, seed: number) => number;
  /** Mixes 32 bits, one to one at best; spreads a node's points. */
  readonly mix: (value: number) => number;
}

/** MurmurHash3 over UTF-8, and its finalizer. */
export const MURMUR: RingHash = Object.freeze({ name: "murmur3", of: murmur3, mix: fmix32 });

const TAKEN: ReadonlySet<string> = new Set([MURMUR.name, "md5"]);

/** `hash` with every member checked. */
export function checkHash(hash: RingHash): RingHash {
  knownOptions("hash", hash, ["name", "of", "mix"]);
  boundedString("hash.name", hash.name, 64);
  if (hash !== MURMUR && TAKEN.has(hash.name)) {
    throw invalidArgument("hash.name", hash.name, "a name that no built-in hash has");
  }
  callable("hash.of", hash.of);
  callable("hash.mix", hash.mix);
  return hash;
}
