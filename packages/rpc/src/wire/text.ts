/**
 * Bytes and values: one JSON text per message.
 *
 * What arrives is bounded in bytes and depth before it is parsed, and a text with a key
 * `__proto__` is no message at all; beyond that nothing is believed, and every field is checked
 * by its reader.
 */
import { type Json, parseJson } from "@quorate/core";

/** Version of the envelope; another one is refused. */
export const WIRE_VERSION = 1;
const MAX_DEPTH = 64;

/** Fields of a message; what a field is, its reader finds out. */
export type Fields = { readonly [key: string]: Json | undefined };

/** The fields of a message of this version; `undefined` for anything else. Never throws. */
export function readFields(bytes: Uint8Array, maxBytes: number): Fields | undefined {
  const parsed = parseJson(bytes, { maxBytes, maxDepth: MAX_DEPTH, plain: true });
  if (!parsed.ok) return undefined;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = value as Fields;
  return fields["v"] === WIRE_VERSION ? fields : undefined;
}

/** A message as bytes; throws what `JSON.stringify` throws. */
export function writeFields(fields: object): Uint8Array {
  return Buffer.from(JSON.stringify(fields), "utf8");
}

/** A string of 1 to `most` characters. */
export function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= most;
}

/** A safe integer, zero or above. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A finite number, zero or above: a duration or a reading of a clock. */
export function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
