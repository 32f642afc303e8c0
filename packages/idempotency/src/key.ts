/**
 * Idempotency keys from what a request is about, not from chance.
 *
 * A random key protects one caller's retries; a key of user, operation and parameters also joins
 * the double click, the second tab, and the job that was scheduled twice. The price: the same
 * order, meant twice, is one order, until the record's TTL ends. Where people may mean it twice,
 * put what tells the two apart (a cart's id, a day, a counter) into `params`.
 *
 * Guarantees: independent of the order of members and of the process; at most 64 characters of
 * `[0-9A-Za-z_-]`, so it is a valid name, header value and database key everywhere; the user and
 * the parameters cannot be read from it. Two operations, users or parameters never share a key, as
 * far as SHA-256 goes.
 */
import { hash } from "node:crypto";

import { boundedString, knownOptions } from "@quorate/core";

import { canonicalJson } from "./canonical.ts";

/** What makes two requests the same. */
export interface KeyIdentity {
  /** Who asks: user or tenant, 1 to 1024 bytes. A string: the ids 7 and "7" must not differ. */
  readonly user: string;
  /** What is asked for: `orders.create`, 1 to 256 bytes. Its beginning can be read in the key. */
  readonly operation: string;
  /** With what: any JSON value. Absent and `null` are two values. */
  readonly params?: unknown;
}

/** Names the meaning of the hashed text: it would change if that changed. */
const VERSION = "quorate/idempotency-key/1";
const READABLE = 20;

/**
 * The key of one operation by one user with these parameters.
 *
 * @throws INVALID_ARGUMENT, TOO_LARGE naming the member that is wrong: `params.items[3]`.
 *
 * @example
 * import { idempotencyKey } from "@quorate/idempotency";
 * const params = { cart: "c-9", cents: 1_250 };
 * const key = idempotencyKey({ user: "u-7", operation: "orders.create", params });
 * console.log(key.slice(0, 14)); // => orders-create-
 */
export function idempotencyKey(identity: KeyIdentity): string {
  knownOptions("identity", identity, ["user", "operation", "params"]);
  const user = boundedString("user", identity.user, 1_024);
  const operation = boundedString("operation", identity.operation, 256);
  const { params } = identity;
  const text = params === undefined ? "" : canonicalJson(params, { name: "params" });
  // JSON's quotes keep the three apart: no user's name can end where an operation begins.
  const digest = hash(
    "sha256",
    `${JSON.stringify([VERSION, user, operation])}${text}`,
    "base64url",
  );
  const readable = operation.replaceAll(/[^0-9A-Za-z]+/g, "-").slice(0, READABLE);
  return /^[0-9A-Za-z]/.test(readable) ? `${readable}-${digest}` : digest;
}
