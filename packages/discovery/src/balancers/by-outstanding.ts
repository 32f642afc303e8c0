/**
 * Balancers that count what is outstanding: least of all, and the less of two.
 *
 * Calls pile up where they are not answered, so who has fewer outstanding for its weight is
 * quicker. Counting all finds the best one and costs a walk over all; comparing two that are drawn
 * by lot is nearly as good (the longest line grows as log log n instead of log n / log log n) and
 * costs the same for ten endpoints as for ten thousand. It also keeps callers that count the same
 * from running to the same endpoint all at once.
 *
 * Does not guarantee: that failing is punished. An endpoint that fails at once never has anything
 * outstanding, and looks like the quickest; ties decided by chance keep it at its share or a
 * little above, where the first index would give it nearly all. Use `peakEwma`, or wrap it by
 * `ejecting`.
 *
 * Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 2001.
 */
import type { Random } from "@quorate/core";

import type { Seat } from "./seat.ts";
import type { Chooser } from "./seated.ts";

type Plain = Seat<undefined>;

/** Whether `left` has less outstanding for its weight. */
function isLess(left: Plain, right: Plain): boolean {
  return left.outstanding * right.weight < right.outstanding * left.weight;
}

/** The least of all; among equals by weight and chance. */
export function leastOutstanding(random: Random): Chooser<undefined> {
  return {
    name: "least-outstanding",
    isTimed: false,
    newMeasure: () => undefined,
    choose({ seats }) {
      let least = seats[0] as Plain;
      let tied = 0;
      for (const seat of seats) {
        if (isLess(seat, least)) [least, tied] = [seat, 0];
        if (!isLess(least, seat)) tied += seat.weight;
      }
      let place = random.next() * tied;
      for (const seat of seats) {
        if (isLess(least, seat)) continue;
        place -= seat.weight;
        if (place < 0) return seat;
      }
      return least; // Rounding only.
    },
  };
}

/** The less of two drawn by weight; of equals the first drawn, so by weight. */
export function twoChoices(random: Random): Chooser<undefined> {
  return {
    name: "two-choices",
    isTimed: false,
    newMeasure: () => undefined,
    choose(field) {
      const index = field.draw(random);
      const first = field.seats[index] as Plain;
      const second = field.seats[field.drawOther(index, random)] as Plain;
      return isLess(second, first) ? second : first;
    },
  };
}
