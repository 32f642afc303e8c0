import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fmix32, murmur3 } from "./murmur3.ts";

/** The algorithm as its author wrote it, over bytes: the model for the one over strings. */
function murmur3OfBytes(bytes: Uint8Array, seed: number): number {
  const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  const scramble = (block: number): number =>
    Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
  let hash = seed | 0;
  const whole = bytes.length - (bytes.length % 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole; at += 4) {
    hash = (Math.imul(rotate(hash ^ scramble(view.getUint32(at, true)), 13), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | (bytes[at] as number);
  return fmix32(hash ^ scramble(tail) ^ bytes.length);
}

describe("murmur3", () => {
  // Ian Boyd's vectors, https://stackoverflow.com/a/31929528, made with Appleby's SMHasher.
  it.each([
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["\0\0\0\0", 0, 0x2362f9de],
    ["\0\0\0", 0, 0x85f0b427],
    ["\0\0", 0, 0x30f4c306],
    ["\0", 0, 0x514e28b7],
    ["!", 0, 0x72661cf4],
    ["!C", 0, 0xa0f7b07a],
    ["aaaa", 0x9747b28c, 0x5a97808a],
    ["aaa", 0x9747b28c, 0x283e0130],
    ["aa", 0x9747b28c, 0x5d211726],
    ["a", 0x9747b28c, 0x7fa09ea6],
    ["abcd", 0x9747b28c, 0xf0478627],
    ["abc", 0x9747b28c, 0xc84a62dd],
    ["ab", 0x9747b28c, 0x74875592],
    ["Hello, world!", 0x9747b28c, 0x24884cba],
    ["ππππππππ", 0x9747b28c, 0xd58063c1],
    ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
  ])("gives the published hash of %j with seed %i", (text, seed, expected) => {
    expect(murmur3(text, seed)).toBe(expected);
  });

  it("passes SMHasher's verification: the hash of 256 hashes is 0xb0f57ee3", () => {
    // Keys 0, 0 1, 0 1 2, … under seed 256 − length; SMHasher, VerificationTest. Over bytes, so
    // this verifies the model, and the next test holds the string version to the model.
    const hashes = new DataView(new ArrayBuffer(256 * 4));
    for (let length = 0; length < 256; length++) {
      const key = Uint8Array.from({ length }, (_, byte) => byte);
      hashes.setUint32(length * 4, murmur3OfBytes(key, 256 - length), true);
    }
    expect(murmur3OfBytes(new Uint8Array(hashes.buffer), 0)).toBe(0xb0f57ee3);
  });

  it("hashes any string as its UTF-8, unpaired surrogates as U+FFFD", () => {
    const encoder = new TextEncoder();
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme-ascii" }),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
      fc.array(fc.constantFrom("a", "é", "€", "😀", "\ud83d", "\ude00")).map((a) => a.join("")),
    );
    fc.assert(
      fc.property(text, fc.integer(), (given, seed) => {
        expect(murmur3(given, seed)).toBe(murmur3OfBytes(encoder.encode(given), seed));
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes characters of every size across the borders of its blocks", () => {
    const encoder = new TextEncoder();
    for (const wide of ["é", "€", "😀", "\ud800"]) {
      for (let before = 0; before < 9; before++) {
        for (let after = 0; after < 9; after++) {
          const text = "x".repeat(before) + wide + wide + "y".repeat(after);
          expect(murmur3(text, 7)).toBe(murmur3OfBytes(encoder.encode(text), 7));
        }
      }
    }
  });
});

describe("fmix32", () => {
  it("flips about half of the bits when one is flipped", () => {
    const random = seededRandom(1);
    let flipped = 0;
    const trials = 3_200;
    for (let trial = 0; trial < trials; trial++) {
      const value = Math.floor(random.next() * 2 ** 32);
      let difference = fmix32(value) ^ fmix32(value ^ (1 << (trial % 32)));
      for (; difference !== 0; difference &= difference - 1) flipped += 1;
    }
    expect(flipped / trials).toBeGreaterThan(15.5);
    expect(flipped / trials).toBeLessThan(16.5);
  });

  it("is one to one where it was tried", () => {
    expect(new Set(Array.from({ length: 100_000 }, (_, value) => fmix32(value))).size).toBe(
      100_000,
    );
  });
});
