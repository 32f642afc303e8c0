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
  /**
   * Objects as `JSON.parse` makes them, for who hands them to a schema: text with a key
   * `__proto__` is refused, and nodes are bounded by the bytes alone. @default false
   */
  readonly plain?: boolean;
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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Parses within bounds. Never throws: bad input is a result, as it is nobody's bug. */
export function parseJson(source: string | Uint8Array, bounds: JsonBounds = {}): JsonResult {
  const maxBytes = bounds.maxBytes ?? 1_048_576;
  const size = typeof source === "string" ? Buffer.byteLength(source) : source.byteLength;
  if (size > maxBytes) return { ok: false, reason: `${size} bytes, at most ${maxBytes} allowed` };
  const text = typeof source === "string" ? source : textOf(source);
  const maxDepth = bounds.maxDepth ?? 32;
  // Before parsing: a reader that recurses must never meet what is too deep for it.
  if (depthOf(text) > maxDepth) return { ok: false, reason: `nested deeper than ${maxDepth}` };
  try {
    if (bounds.plain === true) return plainly(text);
    const budget = { left: bounds.maxNodes ?? 10_000 };
    return { ok: true, value: rebuild(JSON.parse(text), budget) };
  } catch (error) {
    return { ok: false, reason: error instanceof RangeError ? error.message : "not JSON" };
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** A key can only be `__proto__` where the word stands in the text, or an escape hides it. */
function plainly(text: string): JsonResult {
  if (!text.includes("__proto__") && !text.includes("\\u00")) {
    return { ok: true, value: JSON.parse(text) as Json };
  }
  let isBad = false;
  const value = JSON.parse(text, (key, one: Json) => {
    isBad ||= key === "__proto__";
    return one;
  }) as Json;
  return isBad ? { ok: false, reason: "a key __proto__" } : { ok: true, value };
}

/** How deep the brackets of `text` go, whether or not it is JSON. One pass, no recursion. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfString(text, index);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
  }
  return deepest;
}

/** Where the string that begins at `start` ends. Strings are most of a record: jump over them. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote;
    from = quote + 1;
  }
}

/** Counts nodes, and gives objects a null prototype. Its depth is bounded by what was checked. */
function rebuild(value: unknown, budget: { left: number }): Json {
  if (typeof value !== "object" || value === null) return value as Json;
  if (Array.isArray(value)) {
    spend(budget, value.length);
    // The parser's own array, which nobody else has: filled anew in place.
    for (const [index, item] of value.entries()) {
      if (typeof item === "object" && item !== null) value[index] = rebuild(item, budget);
    }
    return value as Json[];
  }
  const keys = Object.keys(value);
  spend(budget, keys.length);
  const copy = Object.create(null) as Record<string, Json>;
  for (const key of keys) copy[key] = rebuild((value as Record<string, unknown>)[key], budget);
  return copy;
}

function spend(budget: { left: number }, nodes: number): void {
  budget.left -= nodes;
  if (budget.left < 0) throw new RangeError("more keys than allowed");
}
