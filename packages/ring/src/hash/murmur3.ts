/**
 * MurmurHash3, x86, 32 bits, over the UTF-8 of a string.
 *
 * A ring is shared by services in several languages, and the bytes of UTF-8 are what they agree
 * on; UTF-16 units are a private matter of this one. The string is read in place: no buffer, no
 * garbage, some 30 ns for a key of 17 characters.
 *
 * Guarantees: the same 32 bits as every conforming implementation over the same bytes, little
 * endian. An unpaired surrogate counts as U+FFFD, as in `TextEncoder`. Does not guarantee:
 * resistance to an adversary; who chooses keys freely can make them collide, whatever the seed.
 *
 * Austin Appleby, MurmurHash3.cpp (public domain), `MurmurHash3_x86_32` and `fmix32`.
 */
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const REPLACEMENT = 0xfffd;

/** The hash of `text` as UTF-8: an unsigned integer of 32 bits. `seed` is taken modulo 2³². */
export function murmur3(text: string, seed = 0): number {
  const { length } = text;
  let hash = seed | 0;
  let at = 0;
  // Four ASCII characters are one block. Nearly every key is all of them.
  for (; at + 4 <= length; at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    if ((a | b | c | d) >= 0x80) return murmur3Wide(text, at, hash);
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let index = at; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return murmur3Wide(text, at, hash);
    tail |= unit << ((index - at) << 3);
  }
  return finish(hash, tail, length);
}

/** The rest of `text` from `start`, before which all was ASCII, in whole blocks. */
function murmur3Wide(text: string, start: number, sofar: number): number {
  let hash = sofar;
  let bytes = start;
  let block = 0;
  let filled = 0; // Bits of `block` in use: 0, 8, 16 or 24.
  for (let at = start; at < text.length; at++) {
    const point = codePointAt(text, at);
    if (point > 0xffff) at++;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    const utf8 = encode(point, size);
    bytes += size;
    block |= utf8 << filled;
    filled += size << 3;
    if (filled < 32) continue;
    hash = mixBlock(hash, block);
    filled -= 32;
    // What did not fit. A shift by 32 would be one by 0, hence the case of nothing left.
    block = filled === 0 ? 0 : utf8 >>> ((size << 3) - filled);
  }
  return finish(hash, block, bytes);
}

function codePointAt(text: string, at: number): number {
  const point = text.codePointAt(at) as number;
  return point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point;
}

/** The UTF-8 bytes of `point`, the first in the lowest bits. */
function encode(point: number, size: number): number {
  if (size === 1) return point;
  const last = 0x80 | (point & 0x3f);
  if (size === 2) return 0xc0 | (point >> 6) | (last << 8);
  const middle = 0x80 | ((point >> 6) & 0x3f);
  if (size === 3) return 0xe0 | (point >> 12) | (middle << 8) | (last << 16);
  const second = 0x80 | ((point >> 12) & 0x3f);
  return 0xf0 | (point >> 18) | (second << 8) | (middle << 16) | (last << 24);
}

function mixBlock(hash: number, block: number): number {
  const scrambled = hash ^ scramble(block);
  return (Math.imul((scrambled << 13) | (scrambled >>> 19), 5) + 0xe6546b64) | 0;
}

function scramble(block: number): number {
  const product = Math.imul(block, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

function finish(hash: number, tail: number, bytes: number): number {
  return fmix32(hash ^ scramble(tail) ^ bytes);
}

/**
 * Murmur's finalizer: a one-to-one mixing of 32 bits in which each bit of the input flips each bit
 * of the output with a chance of about a half. Takes any int32 or uint32, answers a uint32.
 */
export function fmix32(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
