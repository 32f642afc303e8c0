/**
 * Shedding for each framework: refusing early what would be answered too late.
 *
 * Mount it behind the deadline, which it reads, and before idempotency: what is refused must not
 * cost the store a question. See docs/http.md.
 */
import { expressDoor } from "../doors/express-door.ts";
import { fastifyDoor } from "../doors/fastify-door.ts";
import { FetchVisit, honoDoor, throughDoor } from "../doors/fetch-door.ts";
import type { ExpressMiddleware, ExpressRequest } from "../express.ts";
import type { FastifyLike, FastifyRequestLike } from "../fastify.ts";
import type { HonoContextLike, HonoMiddleware } from "../hono.ts";
import { SheddingDoor } from "./door.ts";
import type { HttpSheddingOptions } from "./options.ts";

/**
 * The middleware for Express 5 and 4. A handler keeps its place until its response has ended.
 * Errors of `priority`, `route` and `exempt` go to `next`.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { admission } from "@quorate/resilience";
 * const middleware = expressShedding({ admission: admission({ limit: 50 }) });
 */
export function expressShedding<R extends ExpressRequest = ExpressRequest>(
  options: HttpSheddingOptions<R>,
): ExpressMiddleware<R> {
  return expressDoor(new SheddingDoor<R>(options));
}

/**
 * The plugin for Fastify 5. A handler keeps its place until its response has ended. Errors of
 * `priority`, `route` and `exempt` go to the error handler.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { admission } from "@quorate/resilience";
 * const plugin = fastifyShedding({ admission: admission({ limit: 50 }) });
 */
export function fastifyShedding<R extends FastifyRequestLike = FastifyRequestLike>(
  options: HttpSheddingOptions<R>,
): (instance: FastifyLike) => Promise<void> {
  return fastifyDoor(new SheddingDoor<R>(options), "@quorate/http shedding");
}

/**
 * The middleware for Hono 4. A handler keeps its place until it has returned its response; the
 * body may stream on. Errors of `priority`, `route` and `exempt` go to `app.onError`.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { admission } from "@quorate/resilience";
 * const middleware = honoShedding({ admission: admission({ limit: 50 }) });
 */
export function honoShedding<C extends HonoContextLike = HonoContextLike>(
  options: HttpSheddingOptions<C>,
): HonoMiddleware<C> {
  return honoDoor(new SheddingDoor<C>(options));
}

/**
 * `handler`, behind the server's admission. It keeps its place until it has returned its response.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { admission } from "@quorate/resilience";
 * const gate = admission({ limit: 1, queue: 1 });
 * const slow = () => new Promise<Response>((resolve) => setTimeout(resolve, 20, new Response()));
 * const handler = sheddingFetchHandler(slow, { admission: gate });
 * const ask = () => handler(new Request("https://api.example/"));
 * const responses = await Promise.all([ask(), ask(), ask()]);
 * console.log(responses.map((response) => response.status).sort()); // => [200, 200, 503]
 */
export function sheddingFetchHandler(
  handler: (request: Request) => Response | Promise<Response>,
  options: HttpSheddingOptions<Request>,
): (request: Request) => Promise<Response> {
  const door = new SheddingDoor<Request>(options);
  return async (request) =>
    throughDoor(door, new FetchVisit(request, request), () => handler(request));
}
