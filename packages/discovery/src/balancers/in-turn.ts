/**
 * Balancers that ask endpoints in turn: round robin, and smooth weighted round robin.
 *
 * Both send to every endpoint its share whatever becomes of the calls: a slow endpoint gets as
 * many as a quick one, and calls pile up there. They suit calls that are alike on machines that
 * are alike, and tests that want to know who is next.
 *
 * Smooth weighted round robin spreads the turns of a heavy endpoint over the round: with weights
 * 5, 1, 1 it goes a a b a c a a, and not a a a a a b c. At each pick every endpoint gains its
 * weight, the richest is taken and pays the weight of all.
 *
 * The weighted one is nginx's, by Dounin: "Upstream: smooth weighted round-robin balancing", 2012.
 */
import type { Random } from "@quorate/core";

import type { Field, Seat } from "./seat.ts";
import type { Chooser } from "./seated.ts";

/** Each in its turn, weights or not; the first one by chance, so that callers are out of step. */
export function roundRobin(random: Random): Chooser<undefined> {
  let next: number | undefined;
  return {
    name: "round-robin",
    isTimed: false,
    newMeasure: () => undefined,
    choose({ seats }) {
      next ??= Math.floor(random.next() * seats.length);
      if (next >= seats.length) next = 0;
      const seat = seats[next] as Seat<undefined>;
      next += 1;
      return seat;
    },
  };
}

interface Purse {
  credit: number;
  /** With which the credit was earned. */
  weight: number;
}

/** In proportion to weights, evenly in time; among equals the first. */
export function smoothWeighted(): Chooser<Purse> {
  return {
    name: "smooth-weighted",
    isTimed: false,
    newMeasure: () => ({ credit: 0, weight: 0 }),
    update({ seats }) {
      for (const { measure, weight } of seats) {
        // A debt made at weight 100 would silence an endpoint for a hundred rounds at weight 1.
        if (measure.weight > 0) measure.credit *= weight / measure.weight;
        measure.weight = weight;
      }
    },
    choose: richest,
  };
}

function richest({ seats }: Field<Purse>): Seat<Purse> {
  let best = seats[0] as Seat<Purse>;
  let total = 0;
  for (const seat of seats) {
    seat.measure.credit += seat.weight;
    total += seat.weight;
    if (seat.measure.credit > best.measure.credit) best = seat;
  }
  best.measure.credit -= total;
  return best;
}
