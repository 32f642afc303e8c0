/**
 * Judges what the fleet wrote down: from outside, by the notes of each process, the guarded ledger
 * and the history that the record keeps.
 */
import type { PastRun } from "@quorate/cron";
import { checkLeaders, checkTicks } from "@quorate/simulator/checker";

import { type Job, type Noted, PERIOD_MS } from "./protocol.ts";

/** Everything that is known of one run of the fleet. */
export interface Evidence {
  /** By process, in the order in which it wrote. */
  readonly notes: readonly (readonly Noted[])[];
  /** By job; each past run once. */
  readonly history: Readonly<Record<Job, readonly PastRun[]>>;
  readonly ledger: readonly number[];
  /** The ticks to be judged. */
  readonly firstTick: number;
  readonly lastTick: number;
}

/** What was found. `problems` is empty where all claims held. */
export interface Findings {
  readonly problems: readonly string[];
  readonly ticks: number;
  readonly ran: number;
  /** Ticks that were declared, by outcome. */
  readonly declared: ReadonlyMap<string, number>;
  readonly retried: number;
  readonly staleRefused: number;
  readonly terms: number;
  readonly seen: number;
}

const MOST_PROBLEMS = 20;

/** Checks every claim. Pure. */
export function judge(evidence: Evidence): Findings {
  const { notes, firstTick, lastTick, ledger } = evidence;
  const isJudged = (tick: number): boolean => tick >= firstTick && tick <= lastTick;
  const all = notes.flat();
  const scheduled = Array.from(
    { length: (lastTick - firstTick) / PERIOD_MS + 1 },
    (_, index) => firstTick + index * PERIOD_MS,
  );
  const began = all.flatMap((one) => (one.kind === "began" && isJudged(one.tick) ? [one] : []));
  const ran = (job: Job): number[] =>
    began.filter((one) => one.job === job).map(({ tick }) => tick);
  const runsOnce = ran("skips");
  const declaredOnce = declaredTicks(evidence.history.skips, isJudged);
  const entered = ledger.filter(isJudged);
  const declaredTwice = declaredTicks(evidence.history.retries, isJudged);
  const problems = [
    ...all.flatMap((one) => (one.kind === "broken" ? [one.message] : [])),
    ...checkTicks({
      key: "skips",
      scheduled,
      ran: runsOnce,
      missed: without(declaredOnce, runsOnce),
    }).violations.map(({ message }) => message),
    ...checkTicks({
      key: "retries",
      scheduled,
      ran: entered,
      missed: without(declaredTwice, entered),
    }).violations.map(({ message }) => message),
    ...contradictions(evidence.history.skips, new Set(runsOnce), isJudged),
    ...contradictions(evidence.history.retries, new Set(entered), isJudged),
    ...leaderProblems(notes),
  ];
  const terms = new Set(all.flatMap((one) => (one.kind === "leads" ? [one.term] : [])));
  return {
    problems: problems.slice(0, MOST_PROBLEMS),
    ticks: scheduled.length,
    ran: runsOnce.length,
    declared: countsOf(evidence.history.skips, isJudged),
    retried: began.filter(({ attempt }) => attempt > 1).length,
    staleRefused: all.filter(({ kind }) => kind === "stale").length,
    terms: terms.size,
    seen: all.filter(({ kind }) => kind === "sees").length,
  };
}

/** Outcomes that say: this tick's work was not done, and everybody may know it. */
const UNDONE: readonly string[] = [
  "missed",
  "skipped-overlap",
  "skipped-paused",
  "crashed",
  "failed",
  "timed-out",
];

function ticksOf({ tick, through }: PastRun): number[] {
  const [from, to] = [tick.getTime(), (through ?? tick).getTime()];
  return Array.from({ length: Math.floor((to - from) / PERIOD_MS) + 1 }, (_, index) => {
    return from + index * PERIOD_MS;
  });
}

function declaredTicks(history: readonly PastRun[], isJudged: (tick: number) => boolean): number[] {
  const undone = history.filter(({ outcome }) => UNDONE.includes(outcome));
  return undone.flatMap(ticksOf).filter(isJudged);
}

/** A run that began and crashed, or whose end could not be told, is both: it counts as run. */
function without(declared: readonly number[], ran: readonly number[]): number[] {
  const known = new Set(ran);
  return declared.filter((tick) => !known.has(tick));
}

/** What the history calls done must have been done; what it calls missed must not have run. */
function contradictions(
  history: readonly PastRun[],
  ran: ReadonlySet<number>,
  isJudged: (tick: number) => boolean,
): string[] {
  const told = new Map<number, string>();
  const problems: string[] = [];
  for (const past of history.toSorted((a, b) => a.attempt - b.attempt)) {
    for (const tick of ticksOf(past).filter(isJudged)) {
      const before = told.get(tick);
      // A crash is told, and then what became of the run that repeats it.
      if (before !== undefined && before !== "crashed")
        problems.push(`tick ${tick} is ${before} and ${past.outcome}`);
      told.set(tick, past.outcome);
      const isNever = past.outcome === "missed" || past.outcome.startsWith("skipped");
      if (isNever && ran.has(tick)) problems.push(`tick ${tick} is ${past.outcome}, and ran`);
      if (past.outcome === "done" && !ran.has(tick)) problems.push(`tick ${tick} is done, not run`);
    }
  }
  return problems;
}

function countsOf(
  history: readonly PastRun[],
  isJudged: (tick: number) => boolean,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const past of history) {
    const count = ticksOf(past).filter(isJudged).length;
    if (count > 0) counts.set(past.outcome, (counts.get(past.outcome) ?? 0) + count);
  }
  return counts;
}

/** No two leaders at an instant; observers see terms in order, none twice. */
function leaderProblems(notes: readonly (readonly Noted[])[]): string[] {
  const beliefs = notes.flatMap((own, process) =>
    own.flatMap((one) => (one.kind === "leads" ? [{ ...one, leader: String(process) }] : [])),
  );
  beliefs.sort((a, b) => a.fromMs - b.fromMs);
  const problems = [...checkLeaders(beliefs).violations.map(({ message }) => message)];
  // Belief lies somewhere in the interval; two that overlap whole would be two leaders at once.
  let last = beliefs[0];
  for (const belief of beliefs.slice(1)) {
    if (last !== undefined && belief.term !== last.term && belief.toMs < last.toMs) {
      problems.push(`terms ${last.term} and ${belief.term} were believed at once`);
    }
    last = belief;
  }
  for (const own of notes) {
    const seen = own.flatMap((one) => (one.kind === "sees" ? [one.term] : []));
    const wrong = seen.find((term, index) => index > 0 && term <= (seen[index - 1] ?? 0));
    if (wrong !== undefined) problems.push(`an observer was told of term ${wrong} out of order`);
  }
  return problems;
}
