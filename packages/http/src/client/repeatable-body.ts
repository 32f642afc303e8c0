/**
 * Bodies that can be sent again, byte by byte the same.
 *
 * A server that keeps keys compares what it is sent. A `FormData` would be written with another
 * boundary each time, and an array that changes between two attempts is another request: so a body
 * is made into bytes once, before the first attempt. A stream can be read once only; give a
 * function that opens it anew.
 */
import { invalidArgument } from "@quorate/core";

/** What `fetch` takes as a body. */
export type PlainBody = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** A body, or a function that makes the same body for each attempt. */
export type RepeatableBody = PlainBody | (() => PlainBody | Promise<PlainBody>);

/** What an attempt sends. */
export interface SentBody {
  readonly body?: PlainBody;
  /** Of a body that says itself what it is. */
  readonly contentType?: string;
}

/**
 * A source of the same body for each attempt.
 *
 * @throws INVALID_ARGUMENT the body is a stream.
 */
export async function repeatable(
  body: RepeatableBody | null | undefined,
): Promise<() => Promise<SentBody>> {
  if (body === undefined || body === null) return async () => ({});
  if (typeof body === "function") return async () => ({ body: await body() });
  if (typeof body === "string") return async () => ({ body });
  if (isStream(body)) {
    throw invalidArgument("body", body, "repeatable: a function that opens the stream anew");
  }
  const once = new Response(body);
  const contentType = once.headers.get("content-type");
  const bytes = await once.arrayBuffer();
  const sent = contentType === null ? { body: bytes } : { body: bytes, contentType };
  return async () => sent;
}

/** Whether `body` can be read once only. */
export function isStream(body: PlainBody): boolean {
  return body instanceof ReadableStream || (typeof body === "object" && isIterable(body));
}

function isIterable(body: object): boolean {
  return Symbol.asyncIterator in body;
}
