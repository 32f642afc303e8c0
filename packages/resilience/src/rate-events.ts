/**
 * How a rate limit says no, and who hears of it.
 */
import type { Ms } from "@quorate/core";

import type { Signals } from "./limit-signals.ts";
import type { RateTerms } from "./rate-units.ts";
import { rejection } from "./rejection.ts";

/** What the channels of all rate limits begin with. */
export const RATE_LIMIT = "rate-limit";

/** A call got no permit. */
export interface RateRefused {
  readonly limiter: string;
  /** Time until a call could go at once, if nobody else came. */
  readonly retryAfterMs: Ms;
}

/** What listeners of a rate limit hear. */
export interface RateLimitEvents {
  /** A call got no permit. Also on the channel `quorate:rate-limit.refused`. */
  refused: RateRefused;
}

/** Whose refusals they are. */
export interface Refuser {
  readonly name: string;
  readonly terms: RateTerms;
  readonly signals: Pick<Signals<RateLimitEvents>, "send">;
}

/** Makes refusals, and tells of each. */
export function refusals(refuser: Refuser): (retryAfterMs: Ms) => unknown {
  const { name: limiter, terms, signals } = refuser;
  return (retryAfterMs) => {
    signals.send("refused", () => ({ limiter, retryAfterMs }));
    const allowed = `${terms.limit} calls per ${terms.perMs} ms`;
    const message = `${limiter}: ${allowed} are used up; retry in ${retryAfterMs} ms`;
    return rejection("RATE_LIMITED", message, { limiter, retryAfterMs });
  };
}
