/**
 * What becomes of a job's record: the decisions, without a store and without a clock.
 *
 * A look does three things in one write: runs of owners that are dead are ended or queued again;
 * ticks that have come due are judged (they wait for their run, or are declared missed or
 * skipped); the first that waits is claimed by the one who looks. So each tick is judged once, by
 * whoever writes first, and `judgedMs` keeps everybody else from judging it again.
 *
 * Guarantees, given compare-and-set on the record: a tick is claimed once per attempt, or declared;
 * ticks never go back, however the clock is set; a run that was taken over cannot end what its
 * successor runs; waiting, running and history are bounded. Does not guarantee that the clock which
 * is handed in is right: one that is ahead judges ticks before the others would.
 */
import { type Ms, safeCause } from "@quorate/core";
import type { CheckedPolicy } from "./options.ts";
import type { Claimed, JobRecord, Outcome, Past, Paused, Pending } from "./record.ts";
import { TOKEN_OF_THIS_WRITE } from "./record.ts";
import type { Schedule } from "./schedule.ts";
import { dueTicks, rangeOf, type TickRange } from "./ticks.ts";

/** Runs of a job at a time under `overlap: "allow"`, and runs by hand that may wait. */
export const MAX_RUNS = 100;

/** Who claims. `undefined` where one only looks. */
export interface Claimer {
  readonly owner: string;
  readonly by: string;
}

/** What a look is made with. */
export interface Look {
  /** The job's name, for the keys of its ticks. */
  readonly name: string;
  readonly schedule: Schedule;
  readonly policy: CheckedPolicy;
  /** Wall time of the one who looks. */
  readonly nowMs: Ms;
  /** The furthest that this process knows to be judged: a store that forgot must not go back. */
  readonly seenMs: Ms;
  readonly claimer: Claimer | undefined;
  /** Owners whose leases have ended. */
  readonly dead: ReadonlySet<string>;
  /** For what is declared. */
  readonly by: string;
}

/** What a decision comes to. */
export interface Step {
  /** To be written if the record is still as it was; `undefined`: nothing has changed. */
  readonly record: JobRecord | undefined;
  /** Joined the history by this write. */
  readonly declared: readonly Past[];
}

/** How a run ended. */
export interface Ending {
  readonly outcome: Outcome;
  readonly durationMs: Ms;
  readonly error: unknown;
}

/** A record under change. */
interface Draft {
  readonly from: JobRecord;
  judgedMs: Ms;
  paused: Paused | undefined;
  waiting: Pending[];
  running: Claimed[];
  readonly declared: Past[];
  isChanged: boolean;
}

/** Something waits, and nothing is in its way: the next look claims it. */
export function isClaimable({ waiting, running, paused }: JobRecord): boolean {
  return running.length === 0 && waiting.some(({ manual }) => manual || paused === undefined);
}

/** The key of a tick: the same in every attempt, and different from every other tick's. */
export function keyOfTick(name: string, tickMs: Ms): string {
  return `${name}@${new Date(tickMs).toISOString()}`;
}

/** Ends runs of the dead, judges what is due, and claims. */
export function look(record: JobRecord, input: Look): Step {
  const draft = draftOf(record);
  bury(draft, input);
  if (input.policy.ticks === "scheduled") judge(draft, input);
  claim(draft, input);
  return stepOf(draft, input);
}

/** Ends `run`, and looks. Nothing changes where it is not this owner's any more. */
export function end(record: JobRecord, run: Claimed, ending: Ending, input: Look): Step {
  const draft = draftOf(record);
  if (!take(draft, run)) return { record: undefined, declared: [] };
  if (ending.outcome === "crashed") fail(draft, run, ending, input);
  else draft.declared.push(pastOf(run, ending));
  judge(draft, input);
  claim(draft, input);
  return stepOf(draft, input);
}

/** Claims `tickMs`, if neither it nor a later one has been judged. */
export function claimTick(record: JobRecord, tickMs: Ms, input: Look): Step {
  const draft = draftOf(record);
  bury(draft, input);
  if (tickMs > Math.max(draft.judgedMs, input.seenMs) && draft.paused === undefined) {
    draft.judgedMs = tickMs;
    draft.isChanged = true;
    admit(draft, pendingOf(input.name, tickMs), input);
    claim(draft, input);
  }
  return stepOf(draft, input);
}

/** Puts a run by hand at the end of the line, and looks. */
export function trigger(record: JobRecord, key: string, input: Look): Step | "full" {
  const draft = draftOf(record);
  const isKnown = [...draft.waiting, ...draft.running, ...record.history].some(
    (one) => one.key === key,
  );
  if (!isKnown) {
    if (draft.waiting.length >= MAX_RUNS + input.policy.missedLimit) return "full";
    draft.waiting.push({ key, tickMs: Math.floor(input.nowMs), attempt: 1, manual: true });
    draft.isChanged = true;
  }
  claim(draft, input);
  return stepOf(draft, input);
}

/** No tick is claimed from now on. What waits is dropped, what runs ends by itself. */
export function pause(record: JobRecord, paused: Paused, input: Omit<Look, "claimer">): Step {
  if (record.paused !== undefined) return { record: undefined, declared: [] };
  const draft = draftOf(record);
  judge(draft, { ...input, claimer: undefined });
  for (const one of draft.waiting.filter(({ manual }) => !manual)) {
    draft.declared.push(skipped(one, "skipped-paused", input));
  }
  draft.waiting = draft.waiting.filter(({ manual }) => manual);
  draft.paused = paused;
  draft.isChanged = true;
  return stepOf(draft, input);
}

/** Ticks are claimed again, from the next one on: those of the pause are skipped. */
export function resume(record: JobRecord, input: Omit<Look, "claimer">): Step {
  const draft = draftOf(record);
  if (draft.paused === undefined) return { record: undefined, declared: [] };
  const { before, ticks } = dueTicks(input.schedule, draft.judgedMs, input.nowMs, 1);
  const range = joined(before, rangeOf(ticks));
  if (range !== undefined) draft.declared.push(declaredRange(range, "skipped-paused", input));
  // Also where the schedule is not known here: what came until now came in the pause.
  draft.judgedMs = Math.max(draft.judgedMs, Math.floor(input.nowMs));
  draft.paused = undefined;
  draft.isChanged = true;
  return stepOf(draft, input);
}

function draftOf(record: JobRecord): Draft {
  const { judgedMs, paused, waiting, running } = record;
  return {
    from: record,
    judgedMs,
    paused,
    waiting: [...waiting],
    running: [...running],
    declared: [],
    isChanged: false,
  };
}

function stepOf(draft: Draft, input: Omit<Look, "claimer">): Step {
  const { from, judgedMs, paused, waiting, running, declared } = draft;
  if (!draft.isChanged && declared.length === 0) return { record: undefined, declared };
  const counts = { ...from.counts };
  for (const { outcome, count } of declared) counts[outcome] += count ?? 1;
  const history = [...from.history, ...declared].slice(-input.policy.historyLimit);
  const schedule = input.schedule.text;
  return { record: { schedule, judgedMs, paused, waiting, running, history, counts }, declared };
}

/** Takes `run` out of those under way, if it is there as it was claimed. */
function take(draft: Draft, run: Claimed): boolean {
  const index = draft.running.findIndex(
    ({ key, owner, attempt }) => key === run.key && owner === run.owner && attempt === run.attempt,
  );
  if (index === -1) return false;
  draft.running.splice(index, 1);
  draft.isChanged = true;
  return true;
}

function bury(draft: Draft, input: Look): void {
  const fallen = draft.running.filter(({ owner }) => input.dead.has(owner));
  for (const run of fallen) {
    const durationMs = Math.max(0, input.nowMs - run.startedMs);
    const error = "its process died, or was paused beyond its lease";
    take(draft, run);
    fail(draft, run, { outcome: "crashed", durationMs, error }, input);
  }
}

/** A run came to nothing: again by another, or that was it. */
function fail(draft: Draft, run: Claimed, ending: Ending, { policy }: Look): void {
  draft.declared.push(pastOf(run, ending));
  if (policy.onCrash === "skip" || run.attempt >= policy.attempts) return;
  const { key, tickMs, manual } = run;
  draft.waiting.unshift({ key, tickMs, manual, attempt: run.attempt + 1 });
}

/** Deals with every tick up to now. */
function judge(draft: Draft, input: Look): void {
  if (draft.paused !== undefined || input.policy.ticks === "called") return;
  const { schedule, policy, nowMs } = input;
  let floorMs = Math.max(draft.judgedMs, input.seenMs);
  // Another version of the job has judged: what came due by our text while it was in charge was
  // nobody's tick, and must not be caught up.
  if (draft.from.schedule !== schedule.text) floorMs = Math.max(floorMs, nowMs - policy.graceMs);
  const due = dueTicks(schedule, floorMs, nowMs, Math.max(policy.missedLimit, MAX_RUNS));
  const last = due.ticks.at(-1);
  if (last === undefined) return;
  const late = due.ticks.filter((tickMs) => tickMs < nowMs - policy.graceMs);
  const fresh = due.ticks.slice(late.length);
  const toRun = catchUps(late, fresh.length > 0, policy);
  const missed = late.slice(0, late.length - toRun.length);
  const lost = joined(due.before, rangeOf(missed));
  if (lost !== undefined) draft.declared.push(declaredRange(lost, "missed", input));
  // Before those that come by themselves, and whatever runs: they are late already.
  for (const tickMs of toRun) draft.waiting.push(pendingOf(input.name, tickMs));
  for (const tickMs of fresh) admit(draft, pendingOf(input.name, tickMs), input);
  draft.judgedMs = last;
  draft.isChanged = true;
}

/** Which of the late ticks run after all. */
function catchUps(late: readonly Ms[], hasFresh: boolean, policy: CheckedPolicy): readonly Ms[] {
  if (policy.missed === "all") return late.slice(-policy.missedLimit);
  return policy.missed === "once" && !hasFresh ? late.slice(-1) : [];
}

/** A tick that is on time: it waits for its run, unless the one before is in its way. */
function admit(draft: Draft, pending: Pending, input: Look): void {
  const { overlap, queueLimit, missedLimit } = input.policy;
  const isBusy = draft.running.length > 0;
  const mostWaiting = { skip: 0, queue: queueLimit, allow: MAX_RUNS - draft.running.length };
  const most = isBusy ? mostWaiting[overlap] : MAX_RUNS + missedLimit;
  if (draft.waiting.length < most) draft.waiting.push(pending);
  else draft.declared.push(skipped(pending, "skipped-overlap", input));
}

/** Claims what waits, in order, as far as runs may overlap. */
function claim(draft: Draft, { claimer, policy, nowMs }: Look): void {
  if (claimer === undefined) return;
  const most = policy.overlap === "allow" ? MAX_RUNS : 1;
  const mayRun = ({ manual }: Pending): boolean => manual || draft.paused === undefined;
  while (draft.running.length < most) {
    const index = draft.waiting.findIndex(mayRun);
    const [first] = index === -1 ? [] : draft.waiting.splice(index, 1);
    if (first === undefined) return;
    const startedMs = Math.floor(nowMs);
    draft.running.push({ ...first, ...claimer, fencingToken: TOKEN_OF_THIS_WRITE, startedMs });
    draft.isChanged = true;
  }
}

function pendingOf(name: string, tickMs: Ms): Pending {
  return { key: keyOfTick(name, tickMs), tickMs, attempt: 1, manual: false };
}

function pastOf(run: Claimed, { outcome, durationMs, error }: Ending): Past {
  const { key, tickMs, attempt, manual, by, startedMs } = run;
  // Short, and without passwords in addresses.
  const text = error === undefined ? undefined : safeCause(error).message;
  const rest = { attempt, manual, by, startedMs, durationMs: Math.round(durationMs), error: text };
  return { key, tickMs, throughMs: undefined, count: 1, outcome, ...rest };
}

function skipped(pending: Pending, outcome: Outcome, { nowMs, by }: Omit<Look, "claimer">): Past {
  const rest = { throughMs: undefined, count: 1, durationMs: 0, error: undefined };
  return { ...pending, ...rest, outcome, by, startedMs: Math.floor(nowMs) };
}

function declaredRange(range: TickRange, outcome: Outcome, input: Omit<Look, "claimer">): Past {
  const first = skipped(pendingOf(input.name, range.firstMs), outcome, input);
  return range.count === 1 ? first : { ...first, throughMs: range.lastMs, count: range.count };
}

/** `before` and the ticks after it, as one range. */
function joined(
  before: TickRange | undefined,
  after: TickRange | undefined,
): TickRange | undefined {
  if (before === undefined || after === undefined) return after ?? before;
  const isCounted = before.count !== undefined && after.count !== undefined;
  const count = isCounted ? before.count + after.count : undefined;
  return { firstMs: before.firstMs, lastMs: after.lastMs, count };
}
