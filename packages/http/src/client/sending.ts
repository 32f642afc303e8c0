/**
 * One call with all its tries: what is sent, and what the last of them said.
 *
 * A response that says "come back later" is, to a retry, a failure like any other: it is thrown
 * with its effect and its `Retry-After`, and unwrapped again if it was the last word.
 */
import { effectOf, type Effect, type Ms, QuorateError, type Runtime } from "@quorate/core";
import type { Call } from "@quorate/resilience";
import { judgeResponse, type Step } from "./judge-response.ts";
import type { FetchFunction } from "./options.ts";
import { isStream, type SentBody } from "./repeatable-body.ts";

/** What every try sends. */
export interface Sent {
  readonly fetch: FetchFunction;
  readonly url: string | URL;
  readonly init: RequestInit & { readonly method: string; readonly headers: Headers };
  readonly key: string | undefined;
  readonly bodies: () => Promise<SentBody>;
  /** Drawn on top of what a server asks for, so that all who were told the same do not meet. */
  readonly spreadMs: Ms;
  readonly runtime: Runtime;
}

/** A response that is no answer yet. */
class AskAgain extends Error {
  readonly response: Response;
  readonly effect: Effect;
  declare readonly retryAfterMs?: Ms;

  constructor(response: Response, effect: Effect, retryAfterMs: Ms | undefined) {
    super(`HTTP status ${response.status}: ask again`);
    this.response = response;
    this.effect = effect;
    if (retryAfterMs !== undefined) Object.assign(this, { retryAfterMs });
  }
}

/** The tries of one call, one after the other. */
export class Sending {
  readonly #sent: Sent;
  readonly #startMs: Ms;
  #attempts = 0;
  #latest: Response | undefined;

  constructor(sent: Sent) {
    this.#sent = sent;
    this.#startMs = sent.runtime.time.monotonicMs();
  }

  /** Tries begun. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Sends it once more. Throws what came instead of an answer. */
  async attempt(call: Call): Promise<Response> {
    this.#attempts = call.attempt;
    const earlier = this.#latest;
    this.#latest = undefined;
    earlier?.body?.cancel().catch(() => {}); // Nobody reads it. Not waited for: it may hang.
    const { fetch, url, runtime } = this.#sent;
    const response = await fetch(url, await this.#init(call.signal));
    const step = judgeResponse(response, runtime.time);
    if (step.kind === "done") return response;
    this.#latest = response;
    throw this.#again(response, step);
  }

  /** What the caller gets for the last error: a response after all, or the error to throw. */
  end(error: unknown): Response {
    if (error instanceof AskAgain && error.response === this.#latest) return error.response;
    if (effectOf(error) === "none") throw error;
    const { init, key, runtime } = this.#sent;
    const tries = `${this.#attempts} ${this.#attempts === 1 ? "try" : "tries"}`;
    const cure = key === undefined ? "" : ": ask again with the same key, details.key";
    throw new QuorateError(
      "OUTCOME_UNKNOWN",
      `no answer to ${tries}; it may have happened${cure}`,
      {
        effect: "unknown",
        details: {
          operation: `fetch ${init.method}`,
          afterMs: Math.round(runtime.time.monotonicMs() - this.#startMs),
          ...(key === undefined ? {} : { key }),
        },
        cause: error,
      },
    );
  }

  #again(response: Response, { mayHaveHappened, afterMs }: Step & { kind: "again" }): AskAgain {
    const { spreadMs, runtime } = this.#sent;
    const delayMs = afterMs === undefined ? undefined : afterMs + runtime.random.next() * spreadMs;
    return new AskAgain(response, mayHaveHappened ? "unknown" : "none", delayMs);
  }

  async #init(signal: AbortSignal): Promise<RequestInit> {
    const { init, bodies } = this.#sent;
    const { body, contentType } = await bodies();
    if (body === undefined) return { ...init, signal };
    const headers = new Headers(init.headers);
    if (contentType !== undefined && !headers.has("content-type")) {
      headers.set("content-type", contentType);
    }
    const whole = { ...init, headers, signal, body: body as NonNullable<RequestInit["body"]> };
    return isStream(body) ? { ...whole, duplex: "half" } : whole;
  }
}
