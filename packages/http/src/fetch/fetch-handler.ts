/**
 * Idempotency keys for handlers of the fetch types: `(request: Request) => Promise<Response>`.
 *
 * The core that Hono's adapter is built on, and all that is needed where there is no framework.
 *
 * Guarantees and non-guarantees: see docs/http-idempotency.md.
 */
import { positiveInteger } from "@quorate/core";
import { NOT_STORED_HEADER } from "../answer.ts";
import type { IdempotencyContext } from "../context.ts";
import { type Admission, Gate, type GateRequest } from "../gate.ts";
import type { RequestBody } from "../identity.ts";
import { IDEMPOTENCY_KEY_HEADER } from "../key-header.ts";
import { DEFAULT_MAX_REQUEST_BYTES, type HttpIdempotencyOptions } from "../options.ts";
import { responseOf, settleResponse } from "./answer-response.ts";
import { readBody, requestWith } from "./read-request.ts";

/** A handler. `context` is `undefined` where the request is not protected. */
export type FetchHandler = (
  request: Request,
  context: IdempotencyContext | undefined,
) => Response | Promise<Response>;

/** Options of handlers of the fetch types. */
export interface FetchIdempotencyOptions<R = Request> extends HttpIdempotencyOptions<R> {
  /**
   * Longest body of a request that is read for its fingerprint; a longer one is refused with 413.
   * Not asked where there is a `fingerprint` option. @default 1048576
   */
  readonly maxRequestBytes?: number;
}

/**
 * `handler`, with its protected requests made safe to repeat.
 *
 * The handler is given a request whose body it can read, and whose signal is not the client's.
 * Rejects with what the handler, `scope`, `route` or `fingerprint` throw.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { createIdempotency } from "@quorate/idempotency";
 * import { memoryBackend } from "@quorate/memory";
 * const idempotency = createIdempotency(memoryBackend());
 * const handler = idempotentFetchHandler(() => Response.json({ id: 7 }, { status: 201 }), {
 *   idempotency,
 *   scope: () => "acme",
 * });
 * const request = () =>
 *   new Request("https://api.example/orders", {
 *     method: "POST",
 *     headers: { "idempotency-key": '"k-1"' },
 *   });
 * await handler(request());
 * const again = await handler(request());
 * console.log(again.status, again.headers.get("idempotent-replayed")); // => 201 true
 */
export function idempotentFetchHandler(
  handler: FetchHandler,
  options: FetchIdempotencyOptions,
): (request: Request) => Promise<Response> {
  const door = new FetchDoor<Request>(options);
  return async (request) => {
    if (!door.guards(request.method)) return handler(request, undefined);
    return door.handle({
      request,
      raw: request,
      gone: request.signal,
      respond: async (inner, context) => handler(inner, context),
    });
  };
}

/** One request at the door; `R` is what options are asked about. */
export interface FetchVisit<R> {
  readonly request: R;
  readonly raw: Request;
  readonly gone?: AbortSignal;
  /** Runs the handler, with a request whose body can be read. */
  respond(request: Request, context: IdempotencyContext | undefined): Promise<Response>;
}

/** The gate, in terms of fetch. */
export class FetchDoor<R> {
  readonly #gate: Gate<R>;
  readonly #maxRequestBytes: number;

  constructor(options: FetchIdempotencyOptions<R>) {
    this.#gate = new Gate(options, ["maxRequestBytes"]);
    this.#maxRequestBytes = positiveInteger(
      "maxRequestBytes",
      options.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES,
    );
  }

  guards(method: string): boolean {
    return this.#gate.guards(method);
  }

  async handle(visit: FetchVisit<R>): Promise<Response> {
    const { raw } = visit;
    let inner = raw;
    const body = async (): Promise<RequestBody> => {
      const bytes = await readBody(raw, this.#maxRequestBytes);
      if (bytes === undefined) return { kind: "too-large" };
      inner = requestWith(raw, bytes);
      return bytes.byteLength === 0 ? { kind: "none" } : { kind: "bytes", bytes };
    };
    const admission = await this.#gate.admit(factsOf(visit, body));
    switch (admission.kind) {
      case "answer":
        return responseOf(admission.answer);
      case "pass":
        return warned(await visit.respond(inner, undefined), admission.warn);
      case "run":
        return this.#run(visit, inner, admission);
    }
  }

  async #run(
    visit: FetchVisit<R>,
    inner: Request,
    { run }: Admission & { kind: "run" },
  ): Promise<Response> {
    let response: Response;
    try {
      response = await visit.respond(inner, run.context);
    } catch (error) {
      await run.fail(error);
      throw error;
    }
    return settleResponse(response, run);
  }
}

function factsOf<R>(visit: FetchVisit<R>, body: () => Promise<RequestBody>): GateRequest<R> {
  const { request, raw, gone } = visit;
  return {
    request,
    method: raw.method,
    target: targetOf(raw.url),
    contentType: raw.headers.get("content-type"),
    header: raw.headers.get(IDEMPOTENCY_KEY_HEADER),
    body,
    gone,
  };
}

/** Path with query. A `Request` has an absolute URL, and `URL` would parse all of it again. */
function targetOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("#");
  return start === -1 ? "/" : url.slice(start, end === -1 ? undefined : end);
}

function warned(response: Response, warn: boolean): Response {
  if (!warn) return response;
  const copy = new Response(response.body, response); // The headers of a fetched one are locked.
  copy.headers.set(NOT_STORED_HEADER, "store");
  return copy;
}
