/**
 * MD5 as four little-endian words, which is how ketama reads it.
 *
 * Only for placing keys where memcached clients have placed them. Written out rather than taken
 * from `node:crypto`, because there it is several times slower for a short key (an object per
 * hash) and absent on a machine in FIPS mode.
 *
 * Guarantees: the digest of the text's UTF-8, unpaired surrogates as U+FFFD. Does not guarantee:
 * any security; MD5 has none left.
 *
 * R. Rivest, RFC 1321.
 */
const SINES: Int32Array = Int32Array.from({ length: 64 }, (_, step) =>
  Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32),
);
const SHIFTS = Uint8Array.of(7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21);
const BLOCK_BYTES = 64;

const encoder = new TextEncoder();
// Scratch space: a digest is made in one go, and nobody else runs meanwhile.
let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(BLOCK_BYTES * 8);
let words: Int32Array<ArrayBuffer> = new Int32Array(bytes.buffer);
const state = new Int32Array(4);

/** The digest of `text` as four words, valid until the next call. */
export function md5Words(text: string): Int32Array {
  const length = pad(text);
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  for (let block = 0; block < length >> 2; block += BLOCK_BYTES >> 2) compress(block);
  return state;
}

/** The first word of the digest of `text`, unsigned: what ketama takes as a key's hash. */
export function md5First(text: string): number {
  return (md5Words(text)[0] as number) >>> 0;
}

/** Puts `text` and its padding into `bytes`; answers how many there are. */
function pad(text: string): number {
  const most = text.length * 3 + BLOCK_BYTES + 9;
  if (most > bytes.length) {
    bytes = new Uint8Array(Math.ceil(most / BLOCK_BYTES) * BLOCK_BYTES);
    words = new Int32Array(bytes.buffer);
  }
  const { written } = encoder.encodeInto(text, bytes);
  const length = Math.ceil((written + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  bytes.fill(0, written, length);
  bytes[written] = 0x80;
  words[(length >> 2) - 2] = written * 8;
  words[(length >> 2) - 1] = Math.floor(written / 2 ** 29);
  return length;
}

function compress(block: number): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    let mixed: number;
    let word: number;
    if (round === 0) {
      mixed = (b & c) | (~b & d);
      word = step;
    } else if (round === 1) {
      mixed = (d & b) | (~d & c);
      word = 5 * step + 1;
    } else if (round === 2) {
      mixed = b ^ c ^ d;
      word = 3 * step + 5;
    } else {
      mixed = c ^ (b | ~d);
      word = 7 * step;
    }
    const input = words[block + (word & 15)] as number;
    const sum = (a + mixed + (SINES[step] as number) + input) | 0;
    const shift = SHIFTS[(round << 2) | (step & 3)] as number;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
}
