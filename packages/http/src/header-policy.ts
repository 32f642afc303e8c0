/**
 * Which response headers are stored, and which may ever come out of a store again.
 *
 * An allow-list, for what belongs to the answer and not to the moment or the connection: a replay
 * with yesterday's `Date` is a lie, with the first caller's `Set-Cookie` a hijacked session, with
 * an old `Transfer-Encoding` a smuggled request. Those can never be added, however much somebody
 * wants to. Headers that a framework or a proxy adds to every response are added to replays too,
 * by the same code, with today's values.
 *
 * Guarantees: nothing that is read from a store can end a header line and begin another.
 */
import { invalidArgument } from "@quorate/core";
import type { HeaderList } from "./answer.ts";

const KEPT: readonly string[] = [
  "allow",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
  "etag",
  "last-modified",
  "link",
  "location",
  "preference-applied",
  "vary",
];

/** Of the connection (RFC 9110 §7.6.1), of the moment, of one caller, or set anew by us. */
const NEVER: ReadonlySet<string> = new Set([
  "age",
  "authentication-info",
  "connection",
  "content-length",
  "date",
  "idempotency-key",
  "idempotency-not-stored",
  "idempotent-replayed",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "retry-after",
  "set-cookie",
  "set-cookie2",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "www-authenticate",
]);

/** Bounds of what one record may hold. */
const MAX_HEADERS = 64;
const MAX_VALUE_LENGTH = 8_192;

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** RFC 9110 field-value in Latin-1, as Node and `fetch` take it: no controls but the tab. */
const VALUE = /^[\t -~\u0080-\u00ff]*$/;

/** The names to store: ours and `extra`. @throws INVALID_ARGUMENT one that must never be. */
export function keptHeaders(option: string, extra: readonly string[] = []): ReadonlySet<string> {
  if (!Array.isArray(extra)) throw invalidArgument(option, extra, "an array of header names");
  const names = extra.map((name: unknown) => {
    const lower = typeof name === "string" ? name.toLowerCase() : "";
    if (NAME.test(lower) && !NEVER.has(lower)) return lower;
    throw invalidArgument(option, name, "names of headers that may be told to another connection");
  });
  return new Set([...KEPT, ...names]);
}

/** Those of `headers` that are to be stored. A value that could not be replayed is left out. */
export function headersToStore(
  headers: Iterable<readonly [string, string]>,
  kept: ReadonlySet<string>,
): HeaderList {
  const stored: (readonly [string, string])[] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (kept.has(lower) && isSafe(lower, value) && stored.length < MAX_HEADERS) {
      stored.push([lower, value]);
    }
  }
  return stored;
}

/** Whether what a store holds is a list of headers that may be sent. */
export function areSafeHeaders(value: unknown): value is HeaderList {
  return (
    Array.isArray(value) &&
    value.length <= MAX_HEADERS &&
    value.every(
      (pair: unknown) => Array.isArray(pair) && pair.length === 2 && isSafe(pair[0], pair[1]),
    )
  );
}

function isSafe(name: unknown, value: unknown): boolean {
  return (
    typeof name === "string" &&
    NAME.test(name) &&
    !NEVER.has(name) &&
    typeof value === "string" &&
    value.length <= MAX_VALUE_LENGTH &&
    VALUE.test(value)
  );
}
