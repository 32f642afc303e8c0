/**
 * The body of a request in Node, as far as a parser has left it.
 *
 * A body that nobody has read cannot be compared, and a key without its request would join two
 * requests into one. So such a request is refused: either its media type is none that the service
 * reads, or the middleware stands before the body parser, or the option `fingerprint` is missing.
 */
import type { IncomingMessage } from "node:http";

import type { RequestBody } from "../identity.ts";

/** What parsers leave behind. */
export interface ParsedRequest {
  readonly body?: unknown;
  /** The bytes as they came, where a parser was told to keep them. They go before `body`. */
  readonly rawBody?: unknown;
}

/** The body of `message`, as a parser has left it in `parsed`. */
export function bodyOf(message: IncomingMessage, parsed: ParsedRequest): RequestBody {
  const { body, rawBody } = parsed;
  if (rawBody instanceof Uint8Array) return { kind: "bytes", bytes: rawBody };
  if (typeof rawBody === "string") return { kind: "bytes", bytes: Buffer.from(rawBody) };
  if (body instanceof Uint8Array) return { kind: "bytes", bytes: body };
  if (typeof body === "string") return { kind: "bytes", bytes: Buffer.from(body) };
  if (isUnread(message)) return { kind: "unread" };
  return body === undefined || body === null ? { kind: "none" } : { kind: "value", value: body };
}

/** A body was announced, and its stream was not read to the end. */
function isUnread({ headers, readableEnded }: IncomingMessage): boolean {
  if (readableEnded) return false;
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}
