/**
 * The body of a `Request`, read once and bounded, and a request to hand on in its place.
 */
import { NO_BYTES } from "../answer.ts";
import { BodyCapture } from "../body-capture.ts";

/** All bytes of `request`; `undefined`: more than `maxBytes`, and the rest was refused. */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (request.body === null) return NO_BYTES;
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return undefined;
  const capture = new BodyCapture(maxBytes);
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return capture.bytes();
    capture.push(value);
    if (!capture.overflowed) continue;
    await reader.cancel();
    return undefined;
  }
}

/**
 * The same request with a body that is at hand. Its signal is not the client's: the handler of a
 * protected request runs to its end also when the client leaves.
 */
export function requestWith(request: Request, body: Uint8Array): Request {
  const { url, method, headers } = request;
  const init: RequestInit = { method, headers };
  if (request.body !== null) init.body = body as NonNullable<RequestInit["body"]>;
  return new Request(url, init);
}
