/**
 * Idempotency keys for Hono 4: a middleware for `app.use` or a single route.
 *
 * Middlewares that were added before it (CORS, compression, secure headers) treat replays as they
 * treat every response; authentication belongs there, too, since `scope` asks for its result.
 */
import type { IdempotencyContext } from "./context.ts";
import { rememberContext } from "./context.ts";
import { FetchDoor, type FetchIdempotencyOptions } from "./fetch/fetch-handler.ts";

/** What is needed of a context of Hono. */
export interface HonoContextLike {
  readonly req: {
    readonly method: string;
    /** Replaced by a request whose body can be read again. */
    raw: Request;
    /** Reads the body, also where it has been read before. */
    arrayBuffer(): Promise<ArrayBuffer>;
  };
  get res(): Response;
  set res(response: Response | undefined);
}

/** A middleware of Hono. */
export type HonoMiddleware<C> = (
  context: C,
  next: () => Promise<void>,
) => Promise<Response | undefined>;

/**
 * The middleware. Handlers find their run by `idempotencyOf(c)`.
 *
 * Errors of `scope`, `route` and `fingerprint` go to `app.onError`.
 *
 * @throws INVALID_ARGUMENT an option is missing, unknown or out of bounds.
 *
 * @example
 * import { createIdempotency } from "@quorate/idempotency";
 * import { memoryBackend } from "@quorate/memory";
 * const idempotency = createIdempotency(memoryBackend());
 * const middleware = honoIdempotency({
 *   idempotency,
 *   scope: (c) => c.req.raw.headers.get("x-tenant") ?? "", // Better: what you authenticated.
 * });
 */
export function honoIdempotency<C extends HonoContextLike = HonoContextLike>(
  options: FetchIdempotencyOptions<C>,
): HonoMiddleware<C> {
  const door = new FetchDoor<C>(options);
  return async (context, next) => {
    if (!door.guards(context.req.method)) {
      await next();
      return undefined;
    }
    const raw = await readable(context);
    const respond = async (
      request: Request,
      run: IdempotencyContext | undefined,
    ): Promise<Response> => {
      context.req.raw = request;
      if (run !== undefined) rememberContext(context, run);
      await next();
      return context.res;
    };
    const response = await door.handle({ request: context, raw, gone: raw.signal, respond });
    // Hono adds the headers of the response that was there before to the one that is set.
    context.res = undefined;
    context.res = response;
    return undefined;
  };
}

/** A middleware may have read the body; Hono has kept it, the request has not. */
async function readable({ req }: HonoContextLike): Promise<Request> {
  if (!req.raw.bodyUsed) return req.raw;
  const { url, method, headers, signal } = req.raw;
  return new Request(url, { method, headers, signal, body: await req.arrayBuffer() });
}
