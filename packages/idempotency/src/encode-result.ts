/**
 * A result as text, and as everybody will be given it: made before anything is announced.
 */
import { reasonOf } from "./answers.ts";
import type { Codec } from "./codec.ts";

/** What encoding came to. */
export type Encoded =
  | { readonly ok: true; readonly text: string; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

/** Encodes `value` within `maxBytes`, and decodes it again. Never throws. */
export function encodeResult(value: unknown, codec: Codec, maxBytes: number): Encoded {
  try {
    const text = codec.encode(value);
    if (typeof text !== "string" || !text.isWellFormed()) {
      return { ok: false, reason: "the codec made no well-formed string of it" };
    }
    // Counted only where it could matter: three bytes a character, at most.
    const size = 3 * text.length > maxBytes ? Buffer.byteLength(text) : 0;
    if (size > maxBytes) return { ok: false, reason: `it has ${size} bytes, over ${maxBytes}` };
    return { ok: true, text, value: codec.decode(text) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}
