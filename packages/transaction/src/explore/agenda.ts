/**
 * The agenda: schedules to be run, those with the fewest faults first.
 */
import { type Alternative, extended, faultsOf, type Schedule } from "./schedule.ts";

/** Bounded: what does not fit was never promised, and is counted. */
export class Agenda {
  /** By number of faults; the empty schedule is run first of all. */
  readonly #byFaults: (Schedule | undefined)[][] = [[undefined]];
  readonly #max: number;
  #taken = 0;
  #waiting = 1;
  #dropped = 0;

  /** `max`: schedules in all, run and waiting. */
  constructor(max: number) {
    this.#max = max;
  }

  /** How many were left out for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The next; `undefined`: none. */
  take(): { readonly schedule: Schedule | undefined } | undefined {
    for (const list of this.#byFaults) {
      if (list.length === 0) continue;
      // The last: depth first within a number of faults keeps what waits short.
      const schedule = list.pop();
      this.#waiting -= 1;
      this.#taken += 1;
      return { schedule };
    }
    return undefined;
  }

  /** Adds what follows from `schedule`. */
  add(schedule: Schedule | undefined, alternatives: readonly Alternative[]): void {
    for (const alternative of alternatives) {
      if (this.#taken + this.#waiting >= this.#max) {
        this.#dropped += 1;
        continue;
      }
      const next = extended(schedule, alternative);
      const faults = faultsOf(next);
      while (this.#byFaults.length <= faults) this.#byFaults.push([]);
      this.#byFaults[faults]?.push(next);
      this.#waiting += 1;
    }
  }
}
