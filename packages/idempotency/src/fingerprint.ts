/**
 * Fingerprints: by which a repeat is told from another request under the same key.
 *
 * SHA-256 of the canonical JSON (RFC 8785): 43 characters, whatever the size of the request, so
 * that a record can hold it and a reader learns nothing of the payload. Computed before the work
 * runs, once: a handler that changes its argument must not change what was asked.
 *
 * Guarantees: equal values have equal fingerprints, in any process and any order of members;
 * different values have different ones, as far as SHA-256 goes. Does not hide a payload that can
 * be guessed: a card number has few enough values to try them all.
 */
import { hash } from "node:crypto";

import { canonicalJson } from "./canonical.ts";
import type { CanonicalOptions } from "./canonical-writer.ts";

/**
 * The fingerprint of a JSON value: 43 characters of base64url.
 *
 * @throws INVALID_ARGUMENT, TOO_LARGE as `canonicalJson` does: what is not JSON has none.
 *
 * @example
 * import { fingerprint } from "@quorate/idempotency";
 * console.log(fingerprint({ a: 1, b: 2 }) === fingerprint({ b: 2, a: 1 })); // => true
 */
export function fingerprint(value: unknown, options?: CanonicalOptions): string {
  return hash("sha256", canonicalJson(value, options), "base64url");
}
