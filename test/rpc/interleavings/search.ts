/**
 * The search: every schedule of a plan once, those with fewer faults first.
 *
 * A schedule is the number of the action at each choice point. Whoever runs one learns what else
 * could have been done after its end, and each of these is a schedule more.
 *
 * Systematic exploration by re-execution: Godefroid, "Model Checking for Programming Languages
 * using VeriSoft", POPL 1997.
 */
import { Drain } from "../../../packages/transaction/src/explore/drain.ts";
import type { Plan } from "./plan.ts";
import { run } from "./world.ts";

/** What an exploration came to. */
export interface Report {
  readonly schedules: number;
  readonly violations: number;
  /** Of the first failure, which has the fewest faults. */
  readonly first: { readonly violation: string; readonly story: readonly string[] } | undefined;
  /** Nothing within the bounds was left out. */
  readonly isWhole: boolean;
}

/** How far a search goes. */
export interface Bounds {
  readonly maxSchedules?: number;
  readonly stopAtFirst?: boolean;
}

/** Explores a plan. */
export async function explore(plan: Plan, bounds: Bounds = {}): Promise<Report> {
  const { maxSchedules = Infinity, stopAtFirst = false } = bounds;
  const drain = new Drain();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // Stacks cost more than all else about an error; nobody reads these.
  const agenda: (readonly number[])[][] = [[[]]];
  let schedules = 0;
  let violations = 0;
  let first: Report["first"];
  try {
    for (let faults = 0; faults <= plan.maxFaults; faults++) {
      const level = (agenda[faults] ??= []);
      for (let schedule = level.pop(); schedule !== undefined; schedule = level.pop()) {
        if (schedules >= maxSchedules || (stopAtFirst && first !== undefined)) {
          return { schedules, violations, first, isWhole: false };
        }
        const { violation, choices, story } = await run(plan, schedule, drain);
        schedules += 1;
        if (violation !== undefined) {
          violations += 1;
          first ??= { violation, story };
        }
        addAll(agenda, schedule, faults, choices);
      }
    }
    return { schedules, violations, first, isWhole: true };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    drain.close();
  }
}

/** What else could have been done at each point after the schedule's end. */
function addAll(
  agenda: (readonly number[])[][],
  schedule: readonly number[],
  faults: number,
  choices: readonly (readonly boolean[])[],
): void {
  for (const [offset, costs] of choices.entries()) {
    const path = [...schedule, ...Array.from({ length: offset }, () => 0)];
    for (const [choice, isFault] of costs.entries()) {
      if (choice > 0) (agenda[faults + Number(isFault)] ??= []).push([...path, choice]);
    }
  }
}
