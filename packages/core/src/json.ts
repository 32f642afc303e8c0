/**
 * JSON that somebody else wrote: stored records, messages, headers.
 *
 * Bounded in bytes, depth and number of keys before anything looks at it, and every object has a
 * null prototype, so that a key called `__proto__` or `constructor` is a key like any other.
 */

/** Bounds of foreign JSON. */
export interface JsonBounds {
  /** @default 1048576 */
  readonly maxBytes?: number;
  /** @default 32 */
  readonly maxDepth?: number;
  /** Keys and array items in all. @default 10000 */
  readonly maxNodes?: number;
}

/** A JSON value. Objects that `parseJson` returns have no prototype. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What reading foreign JSON came to. */
export type JsonResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: string };

/** Parses within bounds. Never throws: bad input is a result, as it is nobody's bug. */
export function parseJson(source: string | Uint8Array, bounds: JsonBounds = {}): JsonResult {
  const maxBytes = bounds.maxBytes ?? 1_048_576;
  const size = typeof source === "string" ? Buffer.byteLength(source) : source.byteLength;
  if (size > maxBytes) return { ok: false, reason: `${size} bytes, at most ${maxBytes} allowed` };
  const text = typeof source === "string" ? source : Buffer.from(source).toString("utf8");
  const maxDepth = bounds.maxDepth ?? 32;
  // Before parsing: a reader that recurses must never meet what is too deep for it.
  if (depthOf(text) > maxDepth) return { ok: false, reason: `nested deeper than ${maxDepth}` };
  try {
    const budget = { left: bounds.maxNodes ?? 10_000 };
    return { ok: true, value: rebuild(JSON.parse(text), budget) };
  } catch (error) {
    return { ok: false, reason: error instanceof RangeError ? error.message : "not JSON" };
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") deepest = Math.max(deepest, ++depth);
    else if (character === "}" || character === "]") depth -= 1;
  }
  return deepest;
}

/** A copy with null-prototype objects. Recursion is bounded by the depth that was checked. */
function rebuild(value: unknown, budget: { left: number }): Json {
  if (typeof value !== "object" || value === null) return value as Json;
  const entries = Object.entries(value);
  budget.left -= entries.length;
  if (budget.left < 0) throw new RangeError("more keys than allowed");
  if (Array.isArray(value)) return value.map((item) => rebuild(item, budget));
  const copy = Object.create(null) as Record<string, Json>;
  for (const [key, item] of entries) copy[key] = rebuild(item, budget);
  return copy;
}
