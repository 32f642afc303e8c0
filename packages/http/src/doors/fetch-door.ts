/**
 * A door before a handler of the fetch types, and before those of Hono.
 *
 * The end of a handler is its `Response`. A streamed body goes on after it, and a signal that the
 * body's source depends on must go on with it: then, and only then, the end of the body is awaited.
 */
import { onAbort } from "@quorate/core";
import type { HeaderValue } from "../deadline/read-budget.ts";
import { responseOf } from "../fetch/answer-response.ts";
import type { HonoContextLike, HonoMiddleware } from "../hono.ts";
import type { Door, Visit, VisitEnd } from "./door.ts";
import { untilRead } from "./until-read.ts";

/** A middleware of Hono 4. Errors of the door's options go to `app.onError`. */
export function honoDoor<C extends HonoContextLike>(door: Door<C>): HonoMiddleware<C> {
  return async (context, next) => {
    let before: Response | undefined;
    const respond = async (): Promise<Response> => {
      await next();
      before = context.res;
      return before;
    };
    const response = await throughDoor(door, new FetchVisit(context, context.req.raw), respond);
    if (response === before) return undefined;
    // Hono adds the headers of the response that was there before to the one that is set.
    if (before !== undefined) context.res = undefined;
    context.res = response;
    return undefined;
  };
}

/** Lets `respond` answer, or answers in its place. Rejects with what `respond` throws. */
export async function throughDoor<R>(
  door: Door<R>,
  visit: FetchVisit<R>,
  respond: () => Response | Promise<Response>,
): Promise<Response> {
  const entry = await door.enter(visit);
  if (entry.kind === "answer") {
    visit.end({ kind: "answered", status: entry.answer.status });
    return responseOf(entry.answer);
  }
  let response: Response;
  try {
    response = await (entry.within === undefined ? respond() : entry.within(respond));
  } catch (error) {
    visit.end({ kind: "threw", error });
    throw error;
  }
  const end = (): void => visit.end({ kind: "answered", status: response.status });
  if (response.status >= 200 && response.body !== null && entry.lasts?.() === true) {
    return untilRead(response, end);
  }
  end();
  return response;
}

/** One request of the fetch types; `R` is what options are asked about. */
export class FetchVisit<R> implements Visit<R> {
  readonly request: R;
  readonly #raw: Request;
  readonly #ends: ((end: VisitEnd) => void)[] = [];

  constructor(request: R, raw: Request) {
    this.request = request;
    this.#raw = raw;
  }

  get method(): string {
    return this.#raw.method;
  }

  get target(): string {
    const { url } = this.#raw;
    const start = url.indexOf("/", url.indexOf("//") + 2);
    return start === -1 ? "/" : url.slice(start);
  }

  header(name: string): HeaderValue {
    return this.#raw.headers.get(name);
  }

  onLeave(listener: () => void): void {
    this.#ends.push(onAbort(this.#raw.signal, listener));
  }

  onEnd(listener: (end: VisitEnd) => void): void {
    this.#ends.push(listener);
  }

  /** Tells that the handler has ended. */
  end(end: VisitEnd): void {
    for (const listener of this.#ends.splice(0)) listener(end);
  }
}
