/**
 * Message headers on the wire.
 *
 * To publish, both clients ask only for an object with `encode()`. What goes in is ours: fixed
 * names, and values that are numbers, ids, or percent-encoded, so that nothing in a value can
 * begin a header of its own.
 */
import { invariant, readHeaders } from "@quorate/core";
import type { MessageHeaders } from "@quorate/core";
import type { NatsHeadersLike } from "./connection.ts";

/** Room that our headers may take of the server's `max_payload`. */
export const HEADER_ROOM_BYTES = 4096;

/** Headers of the bus carry this before their name, apart from the server's own. */
const BUS_PREFIX = "q-";
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SAFE = /^[\u0020-\u007e]*$/;

/** Headers to send, as both clients take them. */
export interface WireHeaders {
  encode(): Uint8Array;
}

/** Headers from names and values; values of printable ASCII. */
export function wireHeaders(entries: readonly (readonly [string, string])[]): WireHeaders {
  let text = "NATS/1.0\r\n";
  for (const [name, value] of entries) {
    invariant(SAFE.test(name) && SAFE.test(value), `header ${name} is not printable ASCII`);
    text += `${name}: ${value}\r\n`;
  }
  const bytes = Buffer.from(`${text}\r\n`, "latin1");
  return { encode: () => bytes };
}

/** Headers of the bus, or `undefined` where there are none. */
export function busHeaders(headers: MessageHeaders): WireHeaders | undefined {
  if (isEmpty(headers)) return undefined;
  const entries = Object.entries(headers);
  // The client trims values, so even a blank is escaped.
  return wireHeaders(entries.map(([name, v]) => [BUS_PREFIX + name, encodeURIComponent(v)]));
}

function isEmpty(headers: MessageHeaders): boolean {
  for (const _ in headers) return false;
  return true;
}

/** Headers of the bus in a message that arrived; what is not ours is left out. */
export function readBusHeaders(headers: NatsHeadersLike | undefined): MessageHeaders {
  return readHeaders(headers === undefined ? undefined : busPairs(headers));
}

function* busPairs(headers: NatsHeadersLike): Generator<[string, string]> {
  for (const [name, values] of headers) {
    const value = values[0];
    if (!name.startsWith(BUS_PREFIX) || value === undefined) continue;
    const decoded = decodePercent(value);
    if (decoded !== undefined) yield [name.slice(BUS_PREFIX.length), decoded];
  }
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads the header block of a stored message as the server hands it out (base64 of the wire form).
 * The first of a repeated name counts.
 */
export function parseHeaderBlock(block: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of block.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}
