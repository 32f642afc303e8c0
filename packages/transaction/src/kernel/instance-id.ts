/**
 * Ids of instances as keys of the store.
 *
 * An id is the caller's business id, or a path of them for what belongs to another instance
 * (`order-42/audit`). A key has one segment for it, so `/` and control characters are written as
 * `%XX`, and `%` itself too: injective, and readable for the ids that people choose.
 */
import { boundedString, MAX_SEGMENT_BYTES, QuorateError } from "@quorate/core";

// oxlint-disable-next-line no-control-regex -- control characters are what it escapes
const ESCAPED = /[%/\u0000-\u001f\u007f-\u009f]/g;
// oxlint-disable-next-line no-control-regex -- as above, without state
const NEEDS_ESCAPE = /[%/\u0000-\u001f\u007f-\u009f]/;
const PLAIN = /^[0-9A-Za-z_:.-]{1,128}$/;

/** `id` if it fits a key; else INVALID_ARGUMENT or TOO_LARGE. */
export function checkInstanceId(option: string, id: string): string {
  if (typeof id === "string" && PLAIN.test(id)) return id;
  const size = Buffer.byteLength(encodeId(boundedString(option, id, MAX_SEGMENT_BYTES)));
  if (size <= MAX_SEGMENT_BYTES) return id;
  const details = { option, size, limit: MAX_SEGMENT_BYTES };
  const message = `${option} takes ${size} bytes as a key, at most ${MAX_SEGMENT_BYTES} fit`;
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** The key's segment for `id`. */
export function encodeId(id: string): string {
  if (!NEEDS_ESCAPE.test(id)) return id;
  return id.replaceAll(ESCAPED, (character) => {
    const hex = character.charCodeAt(0).toString(16).toUpperCase();
    return `%${hex.padStart(2, "0")}`;
  });
}

/** Reverses `encodeId`; `undefined` for what it never makes. */
export function decodeId(segment: string): string | undefined {
  if (!segment.includes("%")) return segment;
  const id = segment.replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return encodeId(id) === segment ? id : undefined;
}
