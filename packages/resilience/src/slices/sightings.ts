/**
 * Sightings: whose lease has certainly ended.
 *
 * No two clocks are compared. Whoever sees a slice's beat counts a whole lease on its own clock
 * from then on; if the beat is still the same, the holder has not renewed since before it was first
 * seen, and has stopped using the slice: it counts from before its request left, and leaves a
 * margin off the end, where this adds one.
 *
 * Guarantees: no slice is judged dead that is in use, whatever the clocks show, as long as their
 * rates differ by less than 2 %. Does not guarantee haste: a dead slice is given on a lease after
 * somebody saw it, not after it died.
 */
import { leaseMarginMs, type Ms } from "@quorate/core";

import type { FleetRecord } from "./fleet-record.ts";

interface Sighting {
  readonly beat: number;
  readonly sinceMs: Ms;
}

/** What one instance has seen of the others. Bounded by the record. */
export class Sightings {
  readonly #patienceMs: Ms;
  #seen = new Map<string, Sighting>();

  constructor(leaseMs: Ms) {
    this.#patienceMs = leaseMs + leaseMarginMs(leaseMs);
  }

  /** Notes a record whose reading came in at `nowMs`, and tells who is dead. */
  observe({ slices }: FleetRecord, nowMs: Ms): ReadonlySet<string> {
    const seen = new Map<string, Sighting>();
    const dead = new Set<string>();
    for (const { id, beat } of slices) {
      const last = this.#seen.get(id);
      const sighting = last?.beat === beat ? last : { beat, sinceMs: nowMs };
      seen.set(id, sighting);
      if (nowMs - sighting.sinceMs >= this.#patienceMs) dead.add(id);
    }
    this.#seen = seen;
    return dead;
  }
}
