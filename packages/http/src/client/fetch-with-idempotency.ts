/**
 * The client's half: one key for one request, kept over all its retries.
 *
 * A request that was not answered may have been carried out. Without a key one can only guess;
 * with one, one asks again, and the server answers as it did the first time. So: a key is made (or
 * taken from the caller), sent with every try, and tries are repeated as long as the outcome is
 * unknown or the server says to come back. The retrying itself is that of `@quorate/resilience`.
 *
 * | what came back | what is done |
 * |---|---|
 * | no connection, no answer, a cut connection | again, same key |
 * | 409 with `Retry-After` | again, then: the first try is still under way |
 * | 408, 425, 429, 502, 503, 504 | again, after `Retry-After` or a jittered pause |
 * | 422 and everything else; anything replayed | that is the answer |
 *
 * Guarantees: every try sends the same bytes under the same key; bounded in tries and time. Does
 * not guarantee that the server keeps keys: of one that ignores the header, retries are repeats.
 */
import { invalidArgument } from "@quorate/core";
import { backoff, pipe, type Policy, type Repeat, retry, timeout } from "@quorate/resilience";
import { REPLAYED_HEADER } from "../answer.ts";
import {
  formatIdempotencyKey,
  IDEMPOTENCY_KEY_HEADER,
  parseIdempotencyKey,
} from "../key-header.ts";
import {
  checkClientOptions,
  type CheckedClientOptions,
  type FetchFunction,
  type FetchWithIdempotencyOptions,
  type IdempotentInit,
} from "./options.ts";
import { repeatable } from "./repeatable-body.ts";
import { Sending } from "./sending.ts";

/** `fetch` with keys and retries. */
export type IdempotentFetch = (url: string | URL, init?: IdempotentInit) => Promise<Response>;

/** What is known of a call, besides its response. */
export interface CallFacts {
  /** The key that was sent; `undefined`: none, as the method is not one that is given a key. */
  readonly key: string | undefined;
  /** Tries, the one that was answered included. */
  readonly attempts: number;
  /** Whether the server says that it had answered before. */
  readonly replayed: boolean;
}

const facts = new WeakMap<Response, CallFacts>();

/** How a response of `fetchWithIdempotency` was come by. @throws INVALID_ARGUMENT another's */
export function callOf(response: Response): CallFacts {
  const known = facts.get(response);
  if (known !== undefined) return known;
  throw invalidArgument("response", response, "a response of fetchWithIdempotency");
}

/**
 * `fetch` that is safe to repeat, and repeats.
 *
 * Resolves to the response, also to one that says to come back when tries or time are over.
 * Methods other than `methods` are sent without a key; they are retried if HTTP calls them
 * idempotent (GET, HEAD, OPTIONS, PUT, DELETE), otherwise only if nothing was sent.
 *
 * The call rejects with
 * - INVALID_ARGUMENT: the URL, the key or the body cannot be used; nothing was sent.
 * - OUTCOME_UNKNOWN: no answer, and a try may have been carried out. `details.key` is the key to
 *   ask again with.
 * - the last try's own error, where no try has left this machine (connection refused).
 * - the reason of `init.signal`, when it aborts before the response's head is there. Afterwards,
 *   cancel the body.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * const pay = fetchWithIdempotency(async () => new Response("paid", { status: 201 }));
 * const response = await pay("https://api.example/charges", {
 *   method: "POST",
 *   idempotencyKey: "invoice-7",
 *   body: JSON.stringify({ cents: 1_250 }),
 * });
 * console.log(callOf(response)); // => { key: "invoice-7", attempts: 1, replayed: false }
 */
export function fetchWithIdempotency(
  fetch: FetchFunction,
  options: FetchWithIdempotencyOptions = {},
): IdempotentFetch {
  const checked = checkClientOptions(fetch, options);
  const policy = policyFor(checked);
  const { runtime, timeoutMs, backoffMs: spreadMs } = checked;
  return async (url, init = {}) => {
    if (!URL.canParse(String(url))) throw invalidArgument("url", url, "an absolute URL");
    const { idempotencyKey, body, signal: given, ...rest } = init;
    const method = (init.method ?? "GET").toUpperCase();
    const headers = new Headers(init.headers);
    const key = keyFor(method, headers, idempotencyKey, checked);
    const bodies = await repeatable(body);
    const sent = { fetch, url, init: { ...rest, method, headers }, key, bodies, spreadMs, runtime };
    const sending = new Sending(sent);
    const signal = given ?? undefined;
    const repeat = repeatOf(method, key);
    try {
      const attempt = sending.attempt.bind(sending);
      return noted(await policy.run(attempt, { signal, repeat, key, timeoutMs }));
    } catch (error) {
      if (signal?.aborted === true && error === signal.reason) throw error;
      return noted(sending.end(error));
    }

    function noted(response: Response): Response {
      const replayed = response.headers.get(REPLAYED_HEADER) === "true";
      facts.set(response, { key, attempts: sending.attempts, replayed });
      return response;
    }
  };
}

function policyFor(options: CheckedClientOptions): Policy {
  const { attempts, attemptTimeoutMs, backoffMs, maxBackoffMs, budget, runtime } = options;
  const retrying = retry({
    name: "fetchWithIdempotency",
    attempts,
    backoff: backoff.full({ baseMs: backoffMs, capMs: Math.max(backoffMs, maxBackoffMs) }),
    maxRetryAfterMs: Infinity, // The deadline is the bound.
    budget,
    runtime,
  });
  return pipe(retrying, timeout({ timeoutMs: attemptTimeoutMs, runtime }));
}

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

function repeatOf(method: string, key: string | undefined): Repeat {
  if (key !== undefined) return "keyed";
  return IDEMPOTENT.has(method) ? "safe" : "unsafe";
}

/** The caller's key, one that is in the headers already, or a new one. Puts it into `headers`. */
function keyFor(
  method: string,
  headers: Headers,
  given: string | undefined,
  { methods, keyForm, runtime }: CheckedClientOptions,
): string | undefined {
  const header = headers.get(IDEMPOTENCY_KEY_HEADER);
  if (header !== null) {
    const parsed = parseIdempotencyKey(header);
    if (parsed.kind === "key" && given === undefined) return parsed.key;
    throw invalidArgument("headers", IDEMPOTENCY_KEY_HEADER, "one key: give it as idempotencyKey");
  }
  if (given === undefined && !methods.has(method)) return undefined;
  const key = given ?? runtime.ids.unique();
  const quoted = formatIdempotencyKey(key);
  if (keyForm === "bare" && parseIdempotencyKey(key).kind !== "key") {
    throw invalidArgument("idempotencyKey", key, "plain enough to be sent without quotes");
  }
  headers.set(IDEMPOTENCY_KEY_HEADER, keyForm === "bare" ? key : quoted);
  return key;
}
