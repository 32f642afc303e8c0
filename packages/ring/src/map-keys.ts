/**
 * Keys that stand in a table: boundaries of ranges, entries of a directory.
 *
 * They are stored and compared, so they are bounded and well-formed; a key that is only asked for
 * may be any string, and an unpaired surrogate in it counts as U+FFFD, as it does in a hash.
 */
import { invalidArgument, QuorateError } from "@quorate/core";

/** Longest key in a table, in bytes of UTF-8. */
export const MAX_MAP_KEY_BYTES = 16_384;

/** `key` if it may stand in a table; the empty one may. */
export function checkMapKey(option: string, key: string): string {
  if (typeof key !== "string" || !key.isWellFormed()) {
    throw invalidArgument(option, key, "a well-formed string");
  }
  const size = Buffer.byteLength(key);
  if (size <= MAX_MAP_KEY_BYTES) return key;
  throw tooLarge(option, size, MAX_MAP_KEY_BYTES);
}

/** The error for `option` of a size that is over the limit. */
export function tooLarge(option: string, size: number, limit: number): QuorateError<"TOO_LARGE"> {
  const message = `${option} has size ${size}, at most ${limit} is allowed`;
  return new QuorateError("TOO_LARGE", message, {
    effect: "none",
    details: { option, size, limit },
  });
}
