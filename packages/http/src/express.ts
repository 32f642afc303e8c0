/**
 * Idempotency keys for Express 5 and 4, and for whatever else has `(req, res, next)`.
 *
 * Mount it after the body parser and after authentication, before the handlers; on the whole
 * application, on a router or on one route. What is mounted outside of it (CORS, compression,
 * sessions) treats replays as it treats every response.
 *
 * Guarantees and non-guarantees: see docs/http-idempotency.md.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

import { NOT_STORED_HEADER } from "./answer.ts";
import { rememberContext } from "./context.ts";
import { type Admission, Gate, type GateRequest } from "./gate.ts";
import { IDEMPOTENCY_KEY_HEADER } from "./key-header.ts";
import { bodyOf, type ParsedRequest } from "./node/request-body.ts";
import { tapResponse } from "./node/response-tap.ts";
import { sendAnswer } from "./node/send-answer.ts";
import type { HttpIdempotencyOptions } from "./options.ts";

/** What is needed of a request of Express. */
export interface ExpressRequest extends IncomingMessage, ParsedRequest {
  /** Path with query, before any router cut a part off. */
  readonly originalUrl?: string;
}

/** A middleware, as `app.use` and `router.post` take it. */
export type ExpressMiddleware<R> = (
  request: R,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const HEADER = IDEMPOTENCY_KEY_HEADER.toLowerCase();

/**
 * The middleware. Handlers find their run by `idempotencyOf(req)`.
 *
 * Errors of `scope`, `route` and `fingerprint` go to `next`.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { createIdempotency } from "@quorate/idempotency";
 * import { memoryBackend } from "@quorate/memory";
 * const idempotency = createIdempotency(memoryBackend());
 * const middleware = expressIdempotency({
 *   idempotency,
 *   scope: (request) => String(request.headers["x-tenant"]), // Better: what you authenticated.
 * });
 */
export function expressIdempotency<R extends ExpressRequest = ExpressRequest>(
  options: HttpIdempotencyOptions<R>,
): ExpressMiddleware<R> {
  const gate = new Gate(options);
  return (request, response, next) => {
    if (!gate.guards(request.method ?? "")) return next();
    const leaving = new AbortController();
    const left = (): void => leaving.abort();
    response.once("close", left);
    const admitted = (admission: Admission): void => {
      response.off("close", left);
      proceed(admission, request, response, next);
    };
    gate.admit(factsOf(request, leaving.signal)).then(admitted).catch(next);
  };
}

function proceed(
  admission: Admission,
  request: ExpressRequest,
  response: ServerResponse,
  next: () => void,
): void {
  switch (admission.kind) {
    case "answer":
      return sendAnswer(response, admission.answer);
    case "run":
      tapResponse(response, admission.run);
      rememberContext(request, admission.run.context);
      return next();
    case "pass":
      if (admission.warn) response.setHeader(NOT_STORED_HEADER, "store");
      return next();
  }
}

function factsOf<R extends ExpressRequest>(request: R, gone: AbortSignal): GateRequest<R> {
  return {
    request,
    method: request.method ?? "",
    target: request.originalUrl ?? request.url ?? "/",
    contentType: request.headers["content-type"],
    header: request.headers[HEADER],
    body: () => bodyOf(request, request),
    gone,
  };
}
