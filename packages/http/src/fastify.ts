/**
 * Idempotency keys for Fastify 5: a plugin for `fastify.register`.
 *
 * It claims the key in `preHandler`: the body is parsed, validated and counted by then, and what
 * authentication did in an earlier hook is known. It holds for the instance that it is registered
 * on, as if it were written there (no encapsulation of its own), and for that instance's children.
 *
 * The answer is watched below all `onSend` hooks, as it goes over the wire: compressed where a
 * plugin compresses, and also where a handler took the raw response over (`reply.hijack`).
 */
import type { IncomingMessage, ServerResponse } from "node:http";

import { NOT_STORED_HEADER } from "./answer.ts";
import { rememberContext } from "./context.ts";
import { answerReply } from "./fastify-reply.ts";
import { type Admission, Gate, type GateRequest } from "./gate.ts";
import { IDEMPOTENCY_KEY_HEADER } from "./key-header.ts";
import { bodyOf, type ParsedRequest } from "./node/request-body.ts";
import { tapResponse } from "./node/response-tap.ts";
import type { HttpIdempotencyOptions } from "./options.ts";

/** What is needed of a request of Fastify. */
export interface FastifyRequestLike extends ParsedRequest {
  readonly method: string;
  /** Path with query, as it came. */
  readonly originalUrl: string;
  readonly raw: IncomingMessage;
}

/** What is needed of a reply. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>;
  header(name: string, value: string): unknown;
  hijack(): unknown;
}

/** What is needed of an instance. Its hooks are typed by Fastify itself, one overload for each. */
export interface FastifyLike {
  /** Called with `"preHandler"`. */
  addHook(name: never, hook: never): unknown;
}

type AddHook = (name: string, hook: (request: never, reply: never) => Promise<void>) => unknown;

const HEADER = IDEMPOTENCY_KEY_HEADER.toLowerCase();

/**
 * The plugin: `await app.register(fastifyIdempotency({ … }))`. Handlers find their run by
 * `idempotencyOf(request)`. Errors of `scope`, `route` and `fingerprint` go to the error handler.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { createIdempotency } from "@quorate/idempotency";
 * import { memoryBackend } from "@quorate/memory";
 * const idempotency = createIdempotency(memoryBackend());
 * const plugin = fastifyIdempotency({
 *   idempotency,
 *   scope: (request) => String(request.raw.headers["x-tenant"]), // Better: what you authenticated.
 * });
 */
export function fastifyIdempotency<R extends FastifyRequestLike = FastifyRequestLike>(
  options: HttpIdempotencyOptions<R>,
): (instance: FastifyLike) => Promise<void> {
  const gate = new Gate(options);
  const plugin = async (instance: FastifyLike): Promise<void> => {
    const addHook = instance.addHook.bind(instance) as AddHook;
    addHook("preHandler", async (request: R, reply: FastifyReplyLike) => {
      if (!gate.guards(request.method)) return;
      const leaving = new AbortController();
      const left = (): void => leaving.abort();
      reply.raw.once("close", left);
      try {
        proceed(await gate.admit(factsOf(request, leaving.signal)), request, reply);
      } finally {
        reply.raw.off("close", left);
      }
    });
  };
  // Fastify's way to say: the hook is for the instance that registers, not for a child of it.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "@quorate/http",
  });
}

function proceed(admission: Admission, request: FastifyRequestLike, reply: FastifyReplyLike): void {
  switch (admission.kind) {
    case "answer":
      return answerReply(reply, admission.answer);
    case "run":
      tapResponse(reply.raw, admission.run);
      rememberContext(request, admission.run.context);
      return;
    case "pass":
      if (admission.warn) reply.header(NOT_STORED_HEADER, "store");
  }
}

function factsOf<R extends FastifyRequestLike>(request: R, gone: AbortSignal): GateRequest<R> {
  return {
    request,
    method: request.method,
    target: request.originalUrl,
    contentType: request.raw.headers["content-type"],
    header: request.raw.headers[HEADER],
    body: () => bodyOf(request.raw, request),
    gone,
  };
}
