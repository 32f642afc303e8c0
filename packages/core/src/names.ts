/**
 * Names: the grammar of keys, lease names and subjects, and the only encoder for them.
 *
 * A name is `segment('/'segment)*`; a segment has 1 to 128 bytes of well-formed UTF-8, without
 * `/` and control characters. Every engine has characters that mean something to it (`.*>` and
 * blanks to NATS, `{}` to a Redis cluster, globs to a subscription); client libraries let them
 * through, and one id that a user controls could then reach another tenant's subject. So no name
 * goes to a server except through `encodeName`.
 *
 * Guarantees: `encodeName` is injective and `decodeName` reverses it; the result has only
 * `[0-9A-Za-z_:-]`, the escape `=XX`, and `separator` between segments.
 */
import { invalidArgument, show } from "./checks.ts";
import { QuorateError } from "./errors/quorate-error.ts";

/** Longest segment, in bytes of UTF-8. */
export const MAX_SEGMENT_BYTES = 128;
/** Longest name, in bytes of UTF-8: escaped threefold it still fits a NATS control line. */
export const MAX_NAME_BYTES = 512;
/** Most segments of a name. */
export const MAX_SEGMENTS = 16;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f]/;
const PLAIN = /^[0-9A-Za-z_:-]*$/;
const PLAIN_PATH = /^[0-9A-Za-z_:/-]*$/;
const PLAIN_SEGMENT = `[0-9A-Za-z_:-]{1,${MAX_SEGMENT_BYTES}}`;
/** Nothing to refuse and nothing to escape: what all but a few names are. */
const PLAIN_NAME = new RegExp(`^${PLAIN_SEGMENT}(?:/${PLAIN_SEGMENT}){0,${MAX_SEGMENTS - 1}}$`);
const ASCII = /^[ -~]*$/;
const ENCODED_SEGMENT = /^(?:[0-9A-Za-z_:-]|=[0-9A-F]{2})+$/;

/** `name` if it is a key, lease name or subject; else `INVALID_ARGUMENT` or `TOO_LARGE`. */
export function checkName(option: string, name: string): string {
  if (typeof name !== "string" || name === "") {
    throw invalidArgument(option, name, "a non-empty string of segments joined by '/'");
  }
  if (name.length > MAX_NAME_BYTES) throw tooLarge(option, name.length, MAX_NAME_BYTES);
  if (PLAIN_NAME.test(name)) return name;
  const segments = name.split("/");
  if (segments.length > MAX_SEGMENTS) throw tooLarge(option, segments.length, MAX_SEGMENTS);
  for (const segment of segments) checkSegment(option, segment, name);
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES) throw tooLarge(option, bytes, MAX_NAME_BYTES);
  return name;
}

/** A name, or a prefix: empty (everything) or ending in `/` (everything below). */
export function checkTarget(option: string, target: string): string {
  if (target === "") return target;
  checkName(option, isPrefix(target) ? target.slice(0, -1) : target);
  return target;
}

/** True for a prefix (empty or ending in `/`), false for the name of one thing. */
export function isPrefix(target: string): boolean {
  return target === "" || (typeof target === "string" && target.endsWith("/"));
}

/** True when `name` is the target, or below it where the target is a prefix. */
export function matchesTarget(target: string, name: string): boolean {
  return isPrefix(target) ? name.startsWith(target) : name === target;
}

/** The collection of a key: all before its last `/`, or the empty one. */
export function collectionOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf("/")));
}

function checkSegment(option: string, segment: string, name: string): void {
  if (segment === "") {
    throw invalidArgument(option, name, "free of empty segments ('//', '/' at an end)");
  }
  if (FORBIDDEN.test(segment)) throw invalidArgument(option, name, "free of control characters");
  if (!segment.isWellFormed()) throw invalidArgument(option, name, "free of unpaired surrogates");
  const bytes = Buffer.byteLength(segment);
  if (bytes > MAX_SEGMENT_BYTES) throw tooLarge(option, bytes, MAX_SEGMENT_BYTES, segment);
}

function tooLarge(
  option: string,
  size: number,
  limit: number,
  segment?: string,
): QuorateError<"TOO_LARGE"> {
  const what = segment === undefined ? option : `${option}: segment ${show(segment)}`;
  const message = `${what} has size ${size}, at most ${limit} is allowed`;
  const details = { option, size, limit };
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** The name as a server may see it: each segment escaped, joined by `separator`. */
export function encodeName(name: string, separator: "." | "/" = "/"): string {
  if (separator === "/" ? PLAIN_PATH.test(name) : PLAIN.test(name)) return name;
  return name.split("/").map(encodeSegment).join(separator);
}

/** Reverses `encodeName`; `undefined` for what it never produces. */
export function decodeName(encoded: string, separator: "." | "/" = "/"): string | undefined {
  const segments: string[] = [];
  for (const part of encoded.split(separator)) {
    const segment = decodeSegment(part);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  return segments.join("/");
}

function encodeSegment(segment: string): string {
  if (PLAIN.test(segment)) return segment;
  let encoded = "";
  for (const byte of Buffer.from(segment, "utf8")) {
    const character = String.fromCharCode(byte);
    encoded += PLAIN.test(character)
      ? character
      : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

function decodeSegment(encoded: string): string | undefined {
  if (!ENCODED_SEGMENT.test(encoded)) return undefined;
  if (!encoded.includes("=")) return encoded;
  const hex = encoded.replaceAll(/=(..)|([^=])/g, (_, escaped: string | undefined, plain: string) =>
    escaped === undefined ? plain.charCodeAt(0).toString(16).padStart(2, "0") : escaped,
  );
  const segment = Buffer.from(hex, "hex").toString("utf8");
  // Only what the encoder makes: no escaped plain character, no broken UTF-8, and nothing that a
  // name cannot have. An escaped '/' would turn one segment into two.
  const legal = !segment.includes("/") && !FORBIDDEN.test(segment);
  return legal && encodeSegment(segment) === encoded ? segment : undefined;
}

/** Order of names on every engine: by the bytes of their UTF-8, not by UTF-16 units. */
export function compareNames(left: string, right: string): number {
  if (left === right) return 0;
  if (ASCII.test(left) && ASCII.test(right)) return left < right ? -1 : 1;
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
