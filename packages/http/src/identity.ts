/**
 * Identity: under which key a request is looked up, and by what it is told from another one.
 *
 * The lookup key is a hash of scope, method, route and the client's key. So two tenants never
 * meet, nothing that a client wrote reaches the store's key space, and the result is fit to be
 * passed on as an idempotency key to whatever the handler calls: it is unique among all clients.
 *
 * The fingerprint has all that makes the request: method, path with query, media type, body. A
 * body that a framework has parsed counts as its value (RFC 8785: order of members and blanks do
 * not matter), one that is at hand as bytes counts byte by byte.
 */
import { hash } from "node:crypto";

import { boundedString } from "@quorate/core";
import { canonicalJson } from "@quorate/idempotency";

/** What a key belongs to. */
export interface KeyOwner {
  /** Tenant or user, as the `scope` option tells. */
  readonly scope: string;
  readonly method: string;
  /** The path without query, or what the `route` option tells. */
  readonly route: string;
  /** The key, as the client named it. */
  readonly key: string;
}

/** A request's body, as far as an adapter has it. */
export type RequestBody =
  | { readonly kind: "none" }
  /** More than may be read. */
  | { readonly kind: "too-large" }
  /** There is one, and nobody has read it. */
  | { readonly kind: "unread" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Parsed by a framework. */
  | { readonly kind: "value"; readonly value: unknown }
  /** What the `fingerprint` option made of the request. */
  | { readonly kind: "chosen"; readonly value: unknown };

/** What makes a request, beside its key. */
export interface RequestFacts {
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  readonly contentType: string | null | undefined;
  readonly body: Exclude<RequestBody, { readonly kind: "too-large" | "unread" }>;
}

/** Names the meaning of the hashed text: it would change if that changed. */
const VERSION = "quorate/http/1";
const MAX_SCOPE_BYTES = 1_024;
const MAX_ROUTE_BYTES = 8_192;
/** As long as the longest body that frameworks parse by default, many times over. */
const MAX_BODY_LENGTH = 16_777_216;

/**
 * The key under which `idempotency` knows a request: for `idempotency.peek` and `forget`, when
 * somebody on call has a client's key in hand.
 *
 * @throws INVALID_ARGUMENT scope or route is empty or too long.
 *
 * @example
 * import { lookupKey } from "@quorate/http";
 * const key = lookupKey({ scope: "acme", method: "POST", route: "/charges", key: "k-1" });
 * console.log(key.length); // => 48
 */
export function lookupKey(owner: KeyOwner): string {
  const scope = boundedString("scope", owner.scope, MAX_SCOPE_BYTES);
  const route = boundedString("route", owner.route, MAX_ROUTE_BYTES);
  // JSON's quotes keep the parts apart: no scope can end where a route begins.
  const text = JSON.stringify([VERSION, scope, owner.method, route, owner.key]);
  return `${owner.method}-${hash("sha256", text, "base64url")}`;
}

/** The fingerprint, as the JSON value that `begin` takes: short, and free of the payload. */
export function requestFingerprint(facts: RequestFacts): { readonly [field: string]: string } {
  const { method, target, contentType, body } = facts;
  return { method, target, type: mediaType(contentType), ...bodyDigest(body) };
}

function bodyDigest(body: RequestFacts["body"]): { readonly [kind: string]: string } {
  switch (body.kind) {
    case "none":
      return {};
    case "bytes":
      return { bytes: hash("sha256", body.bytes, "base64url") };
    case "value":
      return { value: digest("body", body.value) };
    case "chosen":
      return { chosen: digest("fingerprint", body.value) };
  }
}

function digest(name: string, value: unknown): string {
  const text = canonicalJson(value, { name, maxLength: MAX_BODY_LENGTH });
  return hash("sha256", text, "base64url");
}

/** Without parameters: a boundary or a charset's spelling may differ between two attempts. */
function mediaType(contentType: string | null | undefined): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
