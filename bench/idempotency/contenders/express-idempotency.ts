/**
 * express-idempotency, the middleware alone, with requests and responses made by hand; on its
 * default adapter, which is the only one that it has.
 */
import { IdempotencyService } from "express-idempotency";

import type { Contender, Request, Work } from "./contender.ts";

/** As its README shows it: the handler asks `isHit` first. */
export const expressIdempotency: Contender = {
  id: "express-idempotency",
  title: "express-idempotency 1.0.6",
  inProcess: true,
  open: async () => {
    const service = new IdempotencyService({});
    return {
      run: (request, work) => exchange(service, request, work),
      close: async () => {},
    };
  },
};

/** One request through the middleware and, if it lets it through, the handler. */
function exchange(service: IdempotencyService, request: Request, work: Work): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = {
      "idempotency-key": request.key,
      authorization: `Bearer of ${request.user}`,
    };
    const asked = {
      headers,
      method: "POST",
      url: "/charges",
      query: {},
      body: request.payload,
      get: (name: string) => headers[name.toLowerCase()],
    };
    const answered = {
      statusCode: 200,
      setHeader: () => {},
      getHeaders: () => ({}),
      status(code: number) {
        answered.statusCode = code;
        return answered;
      },
      send: (body: unknown) => resolve(body),
    };
    const next = async (error?: unknown): Promise<void> => {
      try {
        if (error !== undefined) throw error;
        if (service.isHit(asked)) return;
        answered.send(await work(request.payload));
      } catch (failure) {
        reject(failure);
      }
    };
    const middleware = service.provideMiddlewareFunction.bind(service);
    void middleware(asked, answered, next);
  });
}
