/**
 * Strings out of packets, made once: the same few names arrive over and over.
 *
 * Most news is old news, and all that is needed of it is which member it is about. A string that
 * was seen before is found by a hash of its bytes, so that it costs no allocation and its own hash
 * is known already. A slot holds the string that came last; a stranger can only make it miss.
 *
 * Bounds: 4,096 strings of at most 64 bytes; longer ones, and those beyond ASCII, are made anew.
 */
const SLOTS = 4_096;
const LONGEST = 64;

const slots: (string | undefined)[] = Array.from({ length: SLOTS });

/** The string of the bytes from `from` to `to`, as UTF-8. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  if (to - from > LONGEST) return bytes.toString("utf8", from, to);
  let hash = 0x811c9dc5;
  for (let index = from; index < to; index++) {
    hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  }
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const known = slots[slot];
  if (known !== undefined && isSame(known, bytes, from, to)) return known;
  const text = bytes.toString("utf8", from, to);
  slots[slot] = text;
  return text;
}

/** True only for ASCII: beyond it bytes and characters differ. */
function isSame(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let index = 0; index < text.length; index++) {
    const byte = bytes[from + index] as number;
    if (byte > 0x7f || text.charCodeAt(index) !== byte) return false;
  }
  return true;
}
