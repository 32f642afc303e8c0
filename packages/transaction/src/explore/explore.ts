/**
 * Explores a saga: runs its own definition on the real engine through every crash, late request,
 * zombie and refusal within a budget, and tells the shortest schedule that breaks it.
 *
 * A saga is right when it ends either way after whatever went wrong in between, and a person
 * cannot think of all of that. Its steps run against fakes in memory, which the factory makes anew
 * for each schedule; time is virtual; all that is random is fixed.
 *
 * Guarantees: with `exhausted`, no schedule within the budget breaks the invariant; schedules with
 * fewer faults are run first, so the first failure has the fewest. Does not guarantee anything
 * beyond the budget, of real services, or of functions that depend on more than they are given.
 *
 * Systematic exploration by re-execution: Godefroid, "Model Checking for Programming Languages
 * using VeriSoft", POPL 1997.
 */
import { callable } from "@quorate/core";
import { Agenda } from "./agenda.ts";
import { Drain } from "./drain.ts";
import { type Ending, judged } from "./effects.ts";
import { LEASE_MS, SCAN_MS } from "./engine.ts";
import {
  type AnyExplored,
  checkExplore,
  checkExplored,
  type CheckedExplore,
  type Explored,
  type ExploreOptions,
} from "./options.ts";
import { graceOf, quietOf } from "./quiet.ts";
import { type Alternative, faultsOf, type Schedule } from "./schedule.ts";
import type { StoryLine } from "./story.ts";
import { runSchedule } from "./world.ts";

/** What an exploration came to. */
export interface ExploreReport {
  /** Schedules run. */
  readonly schedules: number;
  /** Those that broke the invariant. */
  readonly violations: number;
  /** How the schedules ended, by the saga's state: a saga that turns back needlessly shows here. */
  readonly endings: ReadonlyMap<Ending["state"], number>;
  /** The failure with the fewest faults, and of those the shortest. */
  readonly shortest: Finding | undefined;
  /** Whether every schedule within the budget was run. */
  readonly exhausted: boolean;
}

/** A schedule that breaks the invariant. */
export interface Finding {
  /** What is wrong in the end. */
  readonly violation: string;
  /** How many faults it takes. */
  readonly faults: number;
  /** What happened, in order. */
  readonly story: readonly StoryLine[];
  /** How it ended. */
  readonly ending: Ending;
}

const PROGRESS_EVERY = 1_000;

/**
 * Explores what `make` makes; it is called for each schedule, and must make everything anew.
 *
 * @throws INVALID_ARGUMENT
 * @example
 * import { saga } from "@quorate/transaction";
 * import { explore, participant } from "@quorate/transaction/explore";
 * const report = await explore(() => {
 *   const cards = participant("cards");
 *   const pay = saga("pay", { version: 1, input: (cents: number) => cents })
 *     .step("charge", {
 *       run: ({ input, key }) => cards.apply(key, { cents: input }),
 *       undo: ({ key }) => cards.cancel(key),
 *     })
 *     .returns(({ out }) => out.charge);
 *   return { saga: pay, input: 500, participants: [cards] };
 * });
 * console.log(report.violations, report.exhausted); // => 0 true
 */
export async function explore<Input, Output>(
  make: () => Explored<Input, Output>,
  options: ExploreOptions = {},
): Promise<ExploreReport> {
  callable("make", make);
  const checked = checkExplore(options);
  const drain = new Drain();
  // Stacks cost more than all else about an error; of those here nobody reads one.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await new Search(make, checked, drain).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    drain.close();
  }
}

interface Failure {
  readonly schedule: Schedule | undefined;
  readonly faults: number;
  readonly length: number;
}

class Search {
  readonly #make: () => AnyExplored;
  readonly #options: CheckedExplore;
  readonly #drain: Drain;
  readonly #agenda: Agenda;
  #schedules = 0;
  #violations = 0;
  readonly #endings = new Map<Ending["state"], number>();
  #best: Failure | undefined;

  constructor(make: () => AnyExplored, options: CheckedExplore, drain: Drain) {
    this.#make = make;
    this.#options = options;
    this.#drain = drain;
    this.#agenda = new Agenda(options.maxSchedules);
  }

  async run(): Promise<ExploreReport> {
    const { signal, stopAtFirst } = this.#options;
    let isCut = false;
    for (let next = this.#agenda.take(); next !== undefined; next = this.#agenda.take()) {
      await this.#try(next.schedule);
      isCut = signal?.aborted === true || (stopAtFirst && this.#best !== undefined);
      if (isCut) break;
    }
    const exhausted = !isCut && this.#agenda.dropped === 0;
    const shortest = this.#best === undefined ? undefined : await this.#told(this.#best);
    const schedules = this.#schedules;
    const violations = this.#violations;
    return { schedules, violations, endings: this.#endings, shortest, exhausted };
  }

  async #try(schedule: Schedule | undefined): Promise<void> {
    const { violation, ending, length, alternatives } = await this.#once(schedule, false);
    const faults = faultsOf(schedule);
    this.#schedules += 1;
    this.#endings.set(ending.state, (this.#endings.get(ending.state) ?? 0) + 1);
    if (violation !== undefined) {
      this.#violations += 1;
      const best = this.#best;
      const isBetter =
        best === undefined ||
        faults < best.faults ||
        (faults === best.faults && length < best.length);
      if (isBetter) this.#best = { schedule, faults, length };
    }
    this.#agenda.add(schedule, this.#within(faults, alternatives));
    if (this.#schedules % PROGRESS_EVERY !== 0) return;
    const { waiting } = this.#agenda;
    const violations = this.#violations;
    this.#options.onProgress({ schedules: this.#schedules, violations, waiting, faults });
  }

  #within(faults: number, alternatives: readonly Alternative[]): readonly Alternative[] {
    if (faults < this.#options.maxFaults) return alternatives;
    return alternatives.filter(({ choice: { kind } }) => kind === "land" || kind === "resume");
  }

  async #once(schedule: Schedule | undefined, isTold: boolean) {
    const { saga, input, participants = [], invariant } = checkExplored(this.#make());
    const { model } = saga;
    const { budget, returns } = this.#options;
    const quietMs = quietOf(model, LEASE_MS + SCAN_MS / 2);
    const drain = this.#drain;
    const graceMs = graceOf(model);
    const run = { model, input, budget, schedule, drain, quietMs, graceMs, isTold, returns };
    const result = await runSchedule(run);
    const { ending, flip } = result;
    const verdict =
      invariant === undefined ? judged(ending, participants) : said(invariant, ending);
    return { ...result, violation: flip ?? verdict };
  }

  /** Runs it once more, to tell it. */
  async #told({ schedule, faults }: Failure): Promise<Finding> {
    const { violation, story, ending } = await this.#once(schedule, true);
    const changed = "it did not fail again: the saga depends on more than it is given";
    return { violation: violation ?? changed, faults, story, ending };
  }
}

function said(
  invariant: (ending: Ending) => string | undefined | void,
  ending: Ending,
): string | undefined {
  try {
    return invariant(ending) ?? undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
