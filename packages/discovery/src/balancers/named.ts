/**
 * What wrappers check: names, which stand in events and nowhere else, and what they stand around.
 */
import { boundedString, callable } from "@quorate/core";

import type { Balancer } from "../balancer.ts";

const MAX_NAME_BYTES = 256;

/** `name` if there is one, checked; else `otherwise`. */
export function namedOr(name: string | undefined, otherwise: string): string {
  return name === undefined ? otherwise : boundedString("name", name, MAX_NAME_BYTES);
}

/** `inner`, if it is a balancer. */
export function checkInner(inner: Balancer): Balancer {
  callable("inner.pick", (inner as Balancer | undefined)?.pick);
  callable("inner.update", inner.update);
  callable("inner.standings", inner.standings);
  return inner;
}
