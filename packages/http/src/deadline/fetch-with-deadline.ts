/**
 * `fetch` under the deadline of the request that it is made for.
 *
 * A budget that stops at the first hop is none: the services behind go on for a caller that has
 * given up. So each request of ours carries what is left of the budget, and is aborted with it.
 */
import { callable, knownOptions } from "@quorate/core";
import type { FetchFunction } from "../client/options.ts";
import { liveDeadline } from "./context.ts";
import { checkHeaderName, DEADLINE_HEADER } from "./options.ts";

/** Options of `fetchWithDeadline`. */
export interface FetchWithDeadlineOptions {
  /** The header that carries the budget. @default "Request-Timeout-Ms" */
  readonly header?: string;
}

/**
 * `fetch` that passes the remaining budget on, and stops when it is over or the caller leaves.
 * Outside of a request with a deadline it is `fetch` as it was given.
 *
 * With retries it goes inside, so that each try carries what is left by then:
 * `fetchWithIdempotency(fetchWithDeadline(fetch))`.
 *
 * The call rejects with TIMEOUT, effect `none`, where no time is left: nothing was sent; otherwise
 * with what `fetch` rejects with, or with the reason of the deadline's or the caller's signal.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { deadlineFetchHandler } from "@quorate/http";
 * const upstream = async (_url: string | URL, init?: RequestInit) =>
 *   new Response(new Headers(init?.headers).get("request-timeout-ms"));
 * const ask = fetchWithDeadline(upstream);
 * const handler = deadlineFetchHandler(() => ask("https://stock.example/items"));
 * const headers = { "request-timeout-ms": "500" };
 * const response = await handler(new Request("https://api.example/", { headers }));
 * console.log(Number(await response.text()) <= 500); // => true
 */
export function fetchWithDeadline(
  fetch: FetchFunction,
  options: FetchWithDeadlineOptions = {},
): FetchFunction {
  callable("fetch", fetch);
  knownOptions("options", options, ["header"]);
  const header = checkHeaderName("header", options.header ?? DEADLINE_HEADER);
  return async (url, init = {}) => {
    const deadline = liveDeadline();
    if (deadline === undefined) return fetch(url, init);
    const leftMs = Math.floor(deadline.remainingMs);
    if (leftMs < 1) throw deadline.timeoutError("none");
    const headers = new Headers(init.headers);
    if (leftMs !== Infinity) headers.set(header, String(leftMs));
    const bounded = { ...init, headers };
    if (!init.signal) return fetch(url, { ...bounded, signal: deadline.signal });
    const { signal, detach } = deadline.signalWith(init.signal);
    try {
      const response = await fetch(url, { ...bounded, signal });
      if (response.body === null) detach(); // Else a body is still to come, under both signals.
      return response;
    } catch (error) {
      detach();
      throw error;
    }
  };
}
