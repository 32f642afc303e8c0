/**
 * Deadlines for each framework: how long the caller still waits, known to whatever serves it.
 *
 * Mount it first, before the body is read: the time counts from there. Then shedding, then
 * idempotency: see docs/http.md.
 */
import { expressDoor } from "../doors/express-door.ts";
import { fastifyDoor } from "../doors/fastify-door.ts";
import { FetchVisit, honoDoor, throughDoor } from "../doors/fetch-door.ts";
import type { ExpressMiddleware, ExpressRequest } from "../express.ts";
import type { FastifyLike, FastifyRequestLike } from "../fastify.ts";
import type { HonoContextLike, HonoMiddleware } from "../hono.ts";
import { currentDeadline } from "./context.ts";
import { DeadlineDoor } from "./door.ts";
import type { RequestDeadline } from "./live-deadline.ts";
import type { HttpDeadlineOptions } from "./options.ts";

/**
 * The middleware for Express 5 and 4. Handlers find their deadline by `deadlineOf(req)`, and
 * whatever they call by `currentDeadline()`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * const middleware = expressDeadline({ maxMs: 10_000 });
 */
export function expressDeadline<R extends ExpressRequest = ExpressRequest>(
  options: HttpDeadlineOptions = {},
): ExpressMiddleware<R> {
  return expressDoor(new DeadlineDoor<R>(options));
}

/**
 * The plugin for Fastify 5: `await app.register(fastifyDeadline())`. Register it before what shall
 * stand behind it. Handlers find their deadline by `deadlineOf(request)`, and whatever they call by
 * `currentDeadline()`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * const plugin = fastifyDeadline({ maxMs: 10_000 });
 */
export function fastifyDeadline(
  options: HttpDeadlineOptions = {},
): (instance: FastifyLike) => Promise<void> {
  return fastifyDoor(new DeadlineDoor<FastifyRequestLike>(options), "@quorate/http deadline");
}

/**
 * The middleware for Hono 4. Handlers find their deadline by `deadlineOf(c)`, and whatever they
 * call by `currentDeadline()`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * const middleware = honoDeadline({ maxMs: 10_000 });
 */
export function honoDeadline<C extends HonoContextLike = HonoContextLike>(
  options: HttpDeadlineOptions = {},
): HonoMiddleware<C> {
  return honoDoor(new DeadlineDoor<C>(options));
}

/** A handler of the fetch types that is told its deadline. */
export type DeadlineHandler = (
  request: Request,
  deadline: RequestDeadline,
) => Response | Promise<Response>;

/**
 * `handler`, told how long its caller still waits.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * const handler = deadlineFetchHandler((_request, { remainingMs }) => {
 *   return new Response(remainingMs > 100 ? "fresh" : "from the cache");
 * });
 * const headers = { "request-timeout-ms": "50" };
 * const response = await handler(new Request("https://api.example/", { headers }));
 * console.log(await response.text()); // => from the cache
 */
export function deadlineFetchHandler(
  handler: DeadlineHandler,
  options: HttpDeadlineOptions = {},
): (request: Request) => Promise<Response> {
  const door = new DeadlineDoor<Request>(options);
  return async (request) => {
    const respond = (): Response | Promise<Response> =>
      handler(request, currentDeadline() as RequestDeadline); // The door has just begun it.
    return throughDoor(door, new FetchVisit(request, request), respond);
  };
}
