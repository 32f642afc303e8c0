/**
 * A door as a middleware of Express, and of whatever else has `(req, res, next)`.
 */
import type { ExpressMiddleware, ExpressRequest } from "../express.ts";
import { sendAnswer } from "../node/send-answer.ts";
import type { Door, Entry } from "./door.ts";
import { NodeVisit } from "./node-visit.ts";

/** The middleware. Errors of the door's options go to `next`. */
export function expressDoor<R extends ExpressRequest>(door: Door<R>): ExpressMiddleware<R> {
  return (request, response, next) => {
    const target = request.originalUrl ?? request.url ?? "/";
    const visit = new NodeVisit(request, target, request, response);
    const proceed = (entry: Entry): void => {
      if (entry.kind === "answer") return sendAnswer(response, entry.answer);
      if (entry.within === undefined) next();
      else entry.within(() => next());
    };
    let entry: Entry | Promise<Entry>;
    try {
      entry = door.enter(visit);
    } catch (error) {
      return next(error);
    }
    // What needs no waiting is done at once, in the stack that the framework watches over.
    if (entry instanceof Promise) entry.then(proceed).catch(next);
    else proceed(entry);
  };
}
