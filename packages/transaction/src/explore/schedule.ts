/**
 * Schedules: what goes wrong, and when, as a list of choices.
 *
 * A run meets choice points in an order that its earlier choices fix: each write of the log and
 * each call of a step is one. A schedule says what is chosen at some of them; at all others nothing
 * goes wrong. Whoever runs a schedule learns what else could have been chosen after its last
 * choice, and each of these is a schedule more. So every schedule within the budget comes up once.
 *
 * Those with fewer faults come first. Hence the first failure has the fewest faults there can be.
 */

/** What may happen at a choice point instead of nothing. */
export type Choice =
  /** The process dies before its action. */
  | { readonly kind: "crash" }
  /** The process is paused before its action; another takes over. */
  | { readonly kind: "pause" }
  /** The participant says no. */
  | { readonly kind: "refuse" }
  /** The request is not answered in time, and lands later. */
  | { readonly kind: "late" }
  /** A late request lands now, before the action. */
  | { readonly kind: "land"; readonly request: number }
  /** A paused process goes on now, before the action. */
  | { readonly kind: "resume"; readonly process: number };

/** How often each fault may happen in one schedule. */
export interface Budget {
  readonly crashes: number;
  readonly zombies: number;
  readonly refusals: number;
  readonly lateRequests: number;
}

/** Choices, the last first: schedules share their beginnings. */
export interface Schedule {
  readonly before: Schedule | undefined;
  /** Number of the choice point, from 0. */
  readonly at: number;
  readonly choice: Choice;
  /** Faults in it. */
  readonly faults: number;
}

/** A choice that could have been made. */
export interface Alternative {
  readonly at: number;
  readonly choice: Choice;
}

/** `schedule` and one choice more. */
export function extended(schedule: Schedule | undefined, { at, choice }: Alternative): Schedule {
  return { before: schedule, at, choice, faults: faultsOf(schedule) + costOf(choice) };
}

/** Faults in a schedule. */
export function faultsOf(schedule: Schedule | undefined): number {
  return schedule?.faults ?? 0;
}

/** Choices by their point. */
export function choicesOf(schedule: Schedule | undefined): Map<number, Choice> {
  const choices = new Map<number, Choice>();
  for (let one = schedule; one !== undefined; one = one.before) choices.set(one.at, one.choice);
  return choices;
}

/** What of `budget` a schedule leaves. */
export function leftOf(budget: Budget, schedule: Schedule | undefined): Budget {
  let { crashes, zombies, refusals, lateRequests } = budget;
  for (let one = schedule; one !== undefined; one = one.before) {
    if (one.choice.kind === "crash") crashes -= 1;
    else if (one.choice.kind === "pause") zombies -= 1;
    else if (one.choice.kind === "refuse") refusals -= 1;
    else if (one.choice.kind === "late") lateRequests -= 1;
  }
  return { crashes, zombies, refusals, lateRequests };
}

/** When a late request lands, or a paused process goes on, is no fault more. */
function costOf({ kind }: Choice): number {
  return kind === "land" || kind === "resume" ? 0 : 1;
}
