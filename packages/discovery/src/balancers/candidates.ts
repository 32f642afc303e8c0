/**
 * Candidates: which endpoints a balancer chooses among, and by which weights.
 *
 * Those that are up and have weight. Where there is none, those that are up with weight 0, all
 * alike; where there is none of these either, those that drain: an endpoint that wants no call is
 * asked rather than none, for it may still answer, and nobody cannot.
 */
import { invalidArgument, nonNegative } from "@quorate/core";

import type { Endpoint } from "../endpoint.ts";

/** An endpoint that may be picked. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** Above 0. */
  readonly weight: number;
}

/** So far apart weights may be; beyond, the lightest would be lost in rounding. */
const MIN_WEIGHT = 0.000_001;
const MAX_WEIGHT = 1_000_000;

/** The best of `endpoints`, in their order; empty only if that is empty. */
export function candidatesOf(endpoints: readonly Endpoint[]): readonly Candidate[] {
  const up = endpoints.filter(({ state }) => state === "up");
  const wanted = up.filter(({ weight }) => weight > 0);
  if (wanted.length > 0) {
    return wanted.map((endpoint) => {
      const weight = Math.min(MAX_WEIGHT, Math.max(MIN_WEIGHT, endpoint.weight));
      return { endpoint, weight };
    });
  }
  return (up.length > 0 ? up : endpoints).map((endpoint) => ({ endpoint, weight: 1 }));
}

/** Each id once, the last of equal ones. Throws INVALID_ARGUMENT for what is no endpoint. */
export function checkEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (!Array.isArray(endpoints)) throw invalidArgument("endpoints", endpoints, "an array");
  const byId = new Map<string, Endpoint>();
  for (const endpoint of endpoints as readonly Endpoint[]) {
    if (typeof endpoint !== "object" || endpoint === null || typeof endpoint.id !== "string") {
      throw invalidArgument("endpoints", endpoint, "an array of endpoints");
    }
    nonNegative("endpoint.weight", endpoint.weight);
    nonNegative("endpoint.warmUpMs", endpoint.warmUpMs);
    nonNegative("endpoint.ageMs", endpoint.ageMs);
    byId.set(endpoint.id, endpoint);
  }
  return byId.size === endpoints.length ? endpoints : [...byId.values()];
}
