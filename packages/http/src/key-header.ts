/**
 * The `Idempotency-Key` header: what a client may write, and the one key that it means.
 *
 * The draft asks for a string of Structured Fields, in quotes: `"8e03978e-…"`. Most clients in the
 * field send the same key bare, as the first APIs had it. Both name the same key here, so a client
 * may move from one form to the other between two attempts; `strict` takes the draft's form only.
 *
 * Parameters after a quoted key are checked and ignored, as Structured Fields ask of parameters
 * that a field does not define. Other kinds of items (`:YQ==:`, `?1`, `(a b)`) are not keys. Two
 * headers are refused, never joined: a proxy that merges them must not make a third key.
 *
 * Guarantees: a key has 1 to 255 characters of printable ASCII; linear time. Does not judge whether
 * a key can be guessed: that is what `scope` is for.
 *
 * draft-ietf-httpapi-idempotency-key-header-07; RFC 9651 §3.3.3, §4.2.3.
 */
import { invalidArgument } from "@quorate/core";

/** Name of the request header that carries the key. */
export const IDEMPOTENCY_KEY_HEADER = "Idempotency-Key";
/** Longest key, in characters. */
export const MAX_KEY_LENGTH = 255;

/** What a header says. `reason` may be shown to the client: it never repeats what was sent. */
export type KeyHeader =
  | { readonly kind: "absent" }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "invalid"; readonly reason: string };

/** How to read a key. */
export interface KeyHeaderOptions {
  /** Only the draft's quoted form; a bare key is invalid. @default false */
  readonly strict?: boolean;
}

/** Room for a key whose every character is escaped, and for parameters that nobody has defined. */
const LONGEST_HEADER = 1_024;

const STRING = /^"((?:[ !#-[\]-~]|\\["\\])*)"/;
/** `;name` or `;name=item`, where the item is one of RFC 9651's eight kinds. */
const PARAMETER = new RegExp(
  "; *[a-z*][a-z0-9_.*-]*" +
    "(?:=(?:" +
    [
      String.raw`-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])`,
      String.raw`"(?:[ !#-[\]-~]|\\["\\])*"`,
      String.raw`[A-Za-z*][A-Za-z0-9!#$%&'*+.^_|~:/\x60-]*`,
      ":[A-Za-z0-9+/=]*:",
      String.raw`\?[01]`,
      String.raw`@-?\d{1,15}(?!\d)`,
      '%"(?:[ !#$&-~]|%[0-9a-f]{2})*"',
    ].join("|") +
    "))?",
  "y",
);
/** Visible characters but those of a list, a quote or an escape; and no other kind of item. */
const BARE = /^[A-Za-z0-9!#$&*+./=^_|~-][A-Za-z0-9!#$%&*+./:=?@^_|~-]*$/;

/**
 * Reads the header's value: as `Headers.get` or Node's `headers` give it, or every line for itself
 * as `headersDistinct` does.
 *
 * @example
 * import { parseIdempotencyKey } from "@quorate/http";
 * console.log(parseIdempotencyKey('"a\\"b"')); // => { kind: "key", key: 'a"b' }
 * console.log(parseIdempotencyKey("k-1")); // => { kind: "key", key: "k-1" }
 * console.log(parseIdempotencyKey("k-1", { strict: true }).kind); // => invalid
 */
export function parseIdempotencyKey(
  value: string | readonly string[] | null | undefined,
  options: KeyHeaderOptions = {},
): KeyHeader {
  if (value === undefined || value === null) return { kind: "absent" };
  if (typeof value !== "string") {
    if (value.length > 1) return invalid("the header is there more than once");
    return parseIdempotencyKey(value[0], options);
  }
  if (value.length > LONGEST_HEADER) return invalid(`over ${LONGEST_HEADER} characters`);
  const text = value.replace(/^ +| +$/g, "");
  if (text === "") return invalid("empty");
  if (text.startsWith('"')) return quoted(text);
  if (options.strict === true) return invalid('not a string in quotes, as "8e03978e"');
  return BARE.test(text) ? ofLength(text) : invalid("neither a string in quotes nor a plain word");
}

/**
 * The header's value for a key, quoted as the draft asks.
 *
 * @throws INVALID_ARGUMENT the key has not 1 to 255 characters of printable ASCII.
 *
 * @example
 * import { formatIdempotencyKey } from "@quorate/http";
 * console.log(formatIdempotencyKey("order-7")); // => "order-7"
 */
export function formatIdempotencyKey(key: string): string {
  const legal = typeof key === "string" && /^[ -~]+$/.test(key) && key.length <= MAX_KEY_LENGTH;
  if (legal) return `"${key.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  throw invalidArgument("key", key, `1 to ${MAX_KEY_LENGTH} characters of printable ASCII`);
}

function quoted(text: string): KeyHeader {
  const match = STRING.exec(text);
  if (match === null)
    return invalid("a string whose quotes or escapes are not closed or not legal");
  let at = match[0].length;
  while (at < text.length) {
    PARAMETER.lastIndex = at;
    const parameter = PARAMETER.exec(text);
    if (parameter === null) return invalid("something after the string: one key, and nothing else");
    at += parameter[0].length;
  }
  const key = match[1] ?? "";
  return key === "" ? invalid("empty") : ofLength(key.replaceAll(/\\(["\\])/g, "$1"));
}

function ofLength(key: string): KeyHeader {
  if (key.length <= MAX_KEY_LENGTH) return { kind: "key", key };
  return invalid(`over ${MAX_KEY_LENGTH} characters`);
}

function invalid(reason: string): KeyHeader {
  return { kind: "invalid", reason };
}
