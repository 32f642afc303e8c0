/**
 * Canonical JSON: one text for every way to write the same value.
 *
 * Two requests are the same when they say the same, not when their members stand in the same
 * order. RFC 8785 (JSON Canonicalization Scheme, JCS) fixes the order, the spelling of numbers and
 * the escapes, so that equal values have equal bytes and can be hashed and compared.
 *
 * The RFC speaks of JSON only; what a program hands over may be more. Whatever JSON cannot say is
 * refused with its place and its cure: see `canonical-writer.ts`. Hence two values that differ in
 * anything but `undefined` members and the sign of zero never have one text.
 *
 * Does not guarantee that two texts for people look different when their bytes do: Unicode is not
 * normalised ("é" as one character and as two are two values), as the RFC demands.
 *
 * RFC 8785, Rundgren, Jordan, Erdtman, 2020.
 */
import { knownOptions } from "@quorate/core";

import { type CanonicalOptions, CanonicalWriter } from "./canonical-writer.ts";

/**
 * The RFC 8785 text of a JSON value.
 *
 * Members that are `undefined` count as absent, as over any wire: `{ a: undefined }` is `{}`.
 *
 * @throws INVALID_ARGUMENT the value, or something in it, is not JSON: a Map, Set, Date, class
 *   instance, bigint, NaN, Infinity, function, symbol, hole, cycle, half a surrogate pair, or
 *   `undefined` in an array or alone. The message names the place and what to pass instead.
 * @throws TOO_LARGE the text would be longer than `maxLength`.
 *
 * @example
 * import { canonicalJson } from "@quorate/idempotency";
 * console.log(canonicalJson({ b: 1.0, a: [1e21, -0] })); // => {"a":[1e+21,0],"b":1}
 */
export function canonicalJson(value: unknown, options?: CanonicalOptions): string {
  if (options !== undefined) knownOptions("options", options, ["name", "maxDepth", "maxLength"]);
  return new CanonicalWriter("sorted", options).write(value);
}
