/**
 * What `writeHead`, `write` and `end` of Node's `http` were called with, in all their spellings.
 */
import type { ServerResponse } from "node:http";

type HeaderValue = number | string | readonly string[];

/** Whether `write` takes it. */
export function isChunk(chunk: unknown): boolean {
  return typeof chunk === "string" || chunk instanceof Uint8Array;
}

/** Whether `end` takes it as its first argument. */
export function mayEndWith(first: unknown): boolean {
  return first === undefined || first === null || typeof first === "function" || isChunk(first);
}

/** A chunk as bytes; `undefined`: none. */
export function bytesOf(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== "string") return undefined;
  const known = typeof encoding === "string" && Buffer.isEncoding(encoding);
  return Buffer.from(chunk, known ? encoding : "utf8");
}

/**
 * `writeHead(status[, reason][, headers])`, as far as it can be done without sending: the head is
 * then written by the first byte of the body, as `setHeader` would have it.
 */
export function applyHead(response: ServerResponse, args: readonly unknown[]): void {
  const [status, second, third] = args;
  if (typeof status === "number") response.statusCode = status;
  if (typeof second === "string") response.statusMessage = second;
  const headers = typeof second === "string" ? third : (second ?? third);
  for (const [name, value] of pairsOf(headers)) {
    // As Node does: what is named here replaces what was set before.
    response.setHeader(name, value);
  }
}

/** Headers of a response, one pair for each line. */
export function headersOf(response: ServerResponse): [string, string][] {
  return Object.entries(response.getHeaders()).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, String(one)]),
  );
}

/** An object, a flat list of names and values, or a list of pairs: Node takes all three. */
function pairsOf(headers: unknown): Iterable<readonly [string, HeaderValue]> {
  if (typeof headers !== "object" || headers === null) return [];
  if (!Array.isArray(headers)) {
    const given = Object.entries(headers) as [string, HeaderValue | undefined][];
    return given.filter((pair): pair is [string, HeaderValue] => pair[1] !== undefined);
  }
  const flat = (headers as readonly unknown[]).every((item) => Array.isArray(item))
    ? (headers as readonly unknown[][]).flat()
    : (headers as readonly unknown[]);
  const byName = new Map<string, HeaderValue>();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = String(flat[at]);
    const earlier = byName.get(name);
    const value = flat[at + 1] as HeaderValue;
    byName.set(name, earlier === undefined ? value : ([earlier, value].flat() as string[]));
  }
  return byName;
}
