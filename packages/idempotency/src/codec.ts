/**
 * Codecs: how a result becomes text, and text the result that every repeat is given.
 *
 * The trap is the first answer. If the first caller gets the `Date` that the work returned and the
 * second gets what JSON made of it, a string, then a retry changes the program. So there is one
 * rule: **everybody, the first caller included, gets `decode(encode(value))`**; and `jsonCodec`
 * refuses what would come out as another kind of thing than its type promises.
 *
 * What it forgives, for the first answer as for all: members that are `undefined` are left out, -0
 * is 0, an object without a prototype comes out as an ordinary one.
 *
 * Does not guarantee that the first caller gets the same object as the work returned: it is equal,
 * and its own.
 */
import { invalidArgument } from "@quorate/core";

import { CanonicalWriter } from "./canonical-writer.ts";

/** Turns results into text and back. Must be pure, and the same in every process of a service. */
export interface Codec {
  /** The text of `value`. Throws, with nothing stored, for what `decode` could not bring back. */
  encode(value: unknown): string;
  /** The value of a text of `encode`: equal at every call, and a fresh one each time. */
  decode(text: string): unknown;
}

/** Deep enough for any answer, and shallow enough for everybody who walks it by recursion. */
const MAX_DEPTH = 64;
const MAX_LENGTH = 16_777_216;
/** What no JSON text is. */
const NOTHING = "";

/**
 * JSON, strict: numbers, strings, booleans, null, arrays, plain objects, and `undefined` as the
 * whole result (of work that returns nothing).
 *
 * `encode` throws INVALID_ARGUMENT, naming the place (`result.items[3]`) and the cure, for a Date,
 * Map, Set, bigint, NaN, class instance and whatever else would come back as something else; and
 * TOO_LARGE beyond 16 Mi characters. `decode` throws INVALID_ARGUMENT for a text that is not JSON
 * or nested deeper than 64. A key called `__proto__` is a key like any other.
 *
 * @example
 * import { jsonCodec } from "@quorate/idempotency";
 * console.log(jsonCodec.decode(jsonCodec.encode({ id: 7, note: undefined }))); // => { id: 7 }
 */
export const jsonCodec: Codec = {
  encode(value) {
    if (value === undefined) return NOTHING;
    const bounds = { name: "result", maxDepth: MAX_DEPTH, maxLength: MAX_LENGTH };
    return new CanonicalWriter("as given", bounds).write(value);
  },

  decode(text) {
    if (text === NOTHING) return undefined;
    const parsed = parse(text);
    if (parsed !== undefined && isShallow(parsed, MAX_DEPTH)) return parsed;
    // Not shown: it is somebody's result.
    throw invalidArgument("text", "text", `JSON, nested at most ${MAX_DEPTH} deep`);
  },
};

/** V8's parser takes any depth without recursion, and makes every key an own one. */
function parse(text: string): unknown {
  if (typeof text !== "string" || text.length > MAX_LENGTH) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, depthLeft: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depthLeft === 0) return false;
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof member === "object" && !isShallow(member, depthLeft - 1)) return false;
  }
  return true;
}
