/**
 * How a rate limit says no, and who hears of it.
 */
import type { EventChannel, Ms, Runtime } from "@quorate/core";

import type { RateTerms } from "./rate-units.ts";
import { rejection } from "./rejection.ts";

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
  readonly runtime: Runtime;
  readonly emitter: { emit(type: "refused", event: RateRefused): void };
}

/** Makes refusals, and tells of each. */
export function refusals(refuser: Refuser): (retryAfterMs: Ms) => unknown {
  const { name: limiter, terms, runtime, emitter } = refuser;
  let channel: EventChannel<RateRefused> | undefined;
  return (retryAfterMs) => {
    channel ??= runtime.events.channel<RateRefused>("rate-limit.refused");
    const event: RateRefused = { limiter, retryAfterMs };
    if (channel.hasSubscribers) channel.publish(event);
    emitter.emit("refused", event);
    const allowed = `${terms.limit} calls per ${terms.perMs} ms`;
    const message = `${limiter}: ${allowed} are used up; retry in ${retryAfterMs} ms`;
    return rejection("RATE_LIMITED", message, { limiter, retryAfterMs });
  };
}
