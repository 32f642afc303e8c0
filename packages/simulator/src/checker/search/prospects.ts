/**
 * What is still needed of each state: the operations left that are possible in it alone, and
 * those left that lead to it.
 *
 * A state that somebody still needs and nobody will bring back must not be left. Where values are
 * unique, that settles most questions at once: a value is overwritten when all its reads are done.
 */
import type { Problem } from "./problem.ts";
import { NONE } from "./transitions.ts";

/** Counts over the operations that are not placed. */
export class Prospects<S> {
  readonly #problem: Problem<S>;
  /** By state: required operations that are possible there alone. */
  readonly #needs: number[] = [];
  /** By state: operations that lead there. */
  readonly #ways: number[] = [];

  constructor(problem: Problem<S>) {
    this.#problem = problem;
    for (const operation of problem.operations.keys()) this.count(operation, 1);
  }

  /** Takes an operation out (-1) or puts it back (1). */
  count(operation: number, by: 1 | -1): void {
    const { leadsTo, operations, pinnedTo } = this.#problem;
    // Where it is not known what leads where, nothing can be said.
    if (leadsTo.length === 0) return;
    const pin = pinnedTo[operation] as number;
    const target = leadsTo[operation] as number;
    if (target !== NONE) this.#ways[target] = (this.#ways[target] ?? 0) + by;
    if (pin === NONE || operations[operation]?.outcome !== "ok") return;
    this.#needs[pin] = (this.#needs[pin] ?? 0) + by;
  }

  /** Whether `candidate` may be placed in `stateId` and lead to `after`, and all still be well. */
  mayLeave(stateId: number, candidate: number, after: number): boolean {
    if (after === stateId || (this.#ways[stateId] ?? 0) > 0) return true;
    const { operations, pinnedTo } = this.#problem;
    const itself = pinnedTo[candidate] === stateId && operations[candidate]?.outcome === "ok";
    return (this.#needs[stateId] ?? 0) === (itself ? 1 : 0);
  }
}
