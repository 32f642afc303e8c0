/**
 * xxHash64 over ASCII, for Envoy's published Maglev tables, which are filled by it.
 *
 * Yann Collet, xxHash specification 0.1.1; only inputs below 32 bytes.
 */
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, bits: bigint): bigint =>
  wrap(value << bits) | (value >> (64n - bits));

/** The hash of a text of fewer than 32 characters, all ASCII. */
export function xxHash64(text: string, seed = 0n): bigint {
  const bytes = Buffer.from(text, "latin1");
  let hash = wrap(seed + P5 + BigInt(bytes.length));
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const lane = wrap(rotate(wrap(bytes.readBigUInt64LE(at) * P2), 31n) * P1);
    hash = wrap(rotate(hash ^ lane, 27n) * P1 + P4);
  }
  for (; at + 4 <= bytes.length; at += 4) {
    const lane = wrap(BigInt(bytes.readUInt32LE(at)) * P1);
    hash = wrap(rotate(hash ^ lane, 23n) * P2 + P3);
  }
  for (; at < bytes.length; at += 1) {
    hash = wrap(rotate(hash ^ wrap(BigInt(bytes.readUInt8(at)) * P5), 11n) * P1);
  }
  hash = wrap((hash ^ (hash >> 33n)) * P2);
  hash = wrap((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}
