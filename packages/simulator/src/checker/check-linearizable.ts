/**
 * Can everything that the clients were told be explained by one object that does one thing at a
 * time, each at some moment between call and return? Then the history is linearizable (Herlihy
 * and Wing, 1990), and a client cannot tell the service from a single, patient machine.
 *
 * Objects are independent of each other, so each key is judged by itself (the property is local,
 * ibid., theorem 1). Deciding one is NP-complete in general; so the work is bounded, and what
 * could not be decided is said to be `unknown`, never passed. Keys get small budgets first: an
 * illegal one that is found easily is not hidden behind a hard one.
 *
 * Guarantees: `ok` and `illegal` are right, if the history is what clients were told and the
 * model's hints hold. An `illegal` is confirmed by a second search with another hash. Does not
 * guarantee: an answer; nor that anything holds beyond this history.
 */
import { knownOptions, positiveInteger } from "@quorate/core";
import { explain, type Explanation } from "./explain.ts";
import type { History, Operation } from "./history/history.ts";
import type { Model } from "./model.ts";
import { type Problem, problemOf } from "./search/problem.ts";
import { Search } from "./search/search.ts";

/** Options of `checkLinearizable`. */
export interface CheckOptions {
  /**
   * Steps of the search in all, over all keys: an operation placed is one. A million take about
   * half a second and some 50 MB. @default 4000000
   */
  readonly budget?: number;
  /** Whether each key is an object by itself; else the model sees all of them. @default true */
  readonly perKey?: boolean;
}

/** What was found, and how much work it was. */
export type Verdict =
  | (Work & { readonly verdict: "ok" })
  | (Work & { readonly verdict: "illegal"; readonly explanation: Explanation })
  | (Work & { readonly verdict: "unknown"; readonly undecided: readonly string[] });

/** What a verdict rests on. */
export interface Work {
  /** Operations judged: a verdict on nothing is worth nothing. */
  readonly operations: number;
  readonly keys: number;
  /** Steps taken, of the budget. */
  readonly steps: number;
}

const FIRST_BUDGET = 2_000;
const GROWTH = 8;
/** Steps for the story of an illegal key, on top of the budget. */
const EXPLAIN_BUDGET = 30_000;
const SEEDS = [0x51ab, 0x2c0ffee] as const;

/**
 * Judges `history` by `model`.
 *
 * @throws INVALID_ARGUMENT the history has operations that the model does not know, or a hint of
 *   the model does not hold.
 *
 * @example
 * const history = parseHistory(`
 * {"t":0,"p":"a","op":0,"type":"invoke","f":"write","v":1}
 * {"t":3,"p":"a","op":0,"type":"info","f":"write"}
 * {"t":4,"p":"b","op":1,"type":"invoke","f":"read"}
 * {"t":5,"p":"b","op":1,"type":"ok","f":"read","v":1}
 * `);
 * const { verdict } = checkLinearizable(history, register());
 * console.log(verdict); // ok: the write that timed out had happened
 */
export function checkLinearizable<S>(
  history: History,
  model: Model<S>,
  options: CheckOptions = {},
): Verdict {
  knownOptions("options", options, ["budget", "perKey"]);
  const budget = positiveInteger("budget", options.budget ?? 4_000_000);
  const groups = options.perKey === false ? [history.operations] : byKey(history.operations);
  const work = { operations: history.operations.length, keys: groups.length, steps: 0 };
  let open = groups.map((operations) => new Inquiry(operations, model));
  for (let share = FIRST_BUDGET; open.length > 0 && work.steps < budget; share *= GROWTH) {
    for (const inquiry of open) {
      const left = budget - work.steps;
      if (left <= 0) break;
      const before = inquiry.steps;
      inquiry.advance(Math.min(share, left));
      work.steps += inquiry.steps - before;
      if (inquiry.verdict !== "illegal") continue;
      return { verdict: "illegal", explanation: inquiry.explain(model), ...work };
    }
    open = open.filter(({ verdict }) => verdict === "unfinished");
  }
  if (open.length === 0) return { verdict: "ok", ...work };
  return { verdict: "unknown", undecided: open.map(({ key }) => key), ...work };
}

/** The question of one object: a search, and where it finds nothing, a second one. */
class Inquiry<S> {
  readonly key: string;
  readonly #problem: Problem<S>;
  #search: Search<S>;
  #earlierSteps = 0;
  #seeds = 1;
  verdict: "unfinished" | "legal" | "illegal" = "unfinished";

  constructor(operations: readonly Operation[], model: Model<S>) {
    this.key = operations[0]?.key ?? "";
    this.#problem = problemOf(operations, model);
    this.#search = new Search(this.#problem, SEEDS[0]);
  }

  get steps(): number {
    return this.#earlierSteps + this.#search.steps;
  }

  advance(steps: number): void {
    const progress = this.#search.advance(steps);
    if (progress !== "illegal") {
      this.verdict = progress;
      return;
    }
    if (this.#seeds === SEEDS.length) {
      this.verdict = "illegal";
      return;
    }
    this.#earlierSteps += this.#search.steps;
    this.#search = new Search(this.#problem, SEEDS[1]);
    this.#seeds += 1;
    this.advance(steps);
  }

  explain(model: Model<S>): Explanation {
    const search = new Search(this.#problem, SEEDS[0], true);
    search.advance(EXPLAIN_BUDGET);
    return explain(this.key, model, this.#problem, search.best);
  }
}

function byKey(operations: readonly Operation[]): Operation[][] {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  return [...groups.values()];
}
