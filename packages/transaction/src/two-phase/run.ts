/**
 * One transaction, from its first write to its caller's answer.
 *
 *     create the record      the list of participants, before any of them does anything
 *     begin, work, prepare   nothing is written; a crash here is an abort that nobody has to write
 *     write the decision     the commit point
 *     tell the participants  by the worker, like any record that is driven
 *
 * Guarantees: `run` resolves only when the decision is `committed` and every participant has
 * carried it out; it rejects with effect `none` only when it is `aborted`, or certain to be.
 */
import {
  deferred,
  effectOf,
  invariant,
  isQuorateError,
  linkedController,
  type Ms,
  raceAbort,
  sleep,
} from "@quorate/core";
import type { Created, Held } from "../kernel/contract.ts";
import { ask } from "./ask.ts";
import type { Branch } from "./branch.ts";
import { Branches, type Failure } from "./branches.ts";
import { tell } from "./deliver.ts";
import { decided, decisionOf, type Desk, publishDecided } from "./desk.ts";
import { abortedError, inDoubtError, usedError } from "./errors.ts";
import { coordinate, count, type Incident } from "./machine.ts";
import type { Answer } from "./participant.ts";
import { type Decision, MAX_REASON_LENGTH, stageOf, type TwoPhaseRecord } from "./record.ts";

/** What is to be run. */
export interface Plan {
  readonly id: string;
  readonly tag: string;
  readonly branches: readonly Branch[];
  /** Empty: none. */
  readonly lastResource: string;
  readonly deadlineMs: Ms;
  readonly signal: AbortSignal | undefined;
}

/** What the work is told beside its handles. */
export interface TwoPhaseContext {
  readonly id: string;
  /** Aborts at the deadline, when the caller's does, and when the transaction cannot commit. */
  readonly signal: AbortSignal;
}

/** The work, types erased. */
export type AnyWork = (handles: never, context: TwoPhaseContext) => unknown;

/** Where those who wait for a run's participants are found, by tag. */
export type Waiting = Map<string, () => void>;

const LATE = "its deadline passed";
const POLL_MS = 50;

/** Runs `plan`. */
export async function runTwoPhase(
  desk: Desk,
  plan: Plan,
  work: AnyWork,
  waiting: Waiting,
): Promise<unknown> {
  const { runtime } = desk.backend;
  const control = linkedController(plan.signal);
  const late = abortedError(plan.id, LATE);
  const timer = runtime.time.setTimer(plan.deadlineMs, () => control.abort(late));
  const run = new Run(desk, plan, waiting);
  try {
    await run.open(control.signal);
    return await run.outcome(await run.attempt(work, control.signal));
  } finally {
    timer.cancel();
    control.abort(late); // Work that goes on, goes on for nothing.
    control.detach();
  }
}

type Attempt =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly incident: Incident; readonly failure: Failure; error: unknown };

class Run {
  readonly #desk: Desk;
  readonly #plan: Plan;
  readonly #branches: Branches;
  readonly #waiting: Waiting;
  readonly #acked = deferred<void>();
  #isAcked = false;
  #held: Held<TwoPhaseRecord> | undefined;

  constructor(desk: Desk, plan: Plan, waiting: Waiting) {
    this.#desk = desk;
    this.#plan = plan;
    this.#branches = new Branches(desk, plan.branches);
    this.#waiting = waiting;
  }

  /** The first write. @throws WRONG_STATE the id is used; the store's error: nothing began. */
  async open(signal: AbortSignal): Promise<void> {
    const { station, backend } = this.#desk;
    const { tag, branches, lastResource, deadlineMs } = this.#plan;
    const ownership = await raceAbort(Promise.resolve(station.ownership()), signal);
    const startedAtMs = backend.runtime.time.wallMs();
    const created = await this.#create({
      ownership,
      tag,
      participants: branches.map(({ participant }) => participant),
      lastResource,
      startedAtMs,
      deadlineAtMs: startedAtMs + deadlineMs,
      progress: { kind: "preparing" },
    });
    if (!created.created) {
      throw usedError(this.#plan.id, stageOf(created.found.record).replace("-", ", "));
    }
    this.#held = created.held;
  }

  async #create(record: TwoPhaseRecord): Promise<Created<TwoPhaseRecord>> {
    const { id } = this.#plan;
    try {
      return await this.#desk.station.create(id, record);
    } catch (error) {
      if (effectOf(error) === "none") throw error;
      // The record may be there. Nothing else is, and nobody can commit it.
      throw abortedError(id, "the store did not answer its first write", error);
    }
  }

  /** The first phase. Never rejects. */
  async attempt(work: AnyWork, signal: AbortSignal): Promise<Attempt> {
    const { id, lastResource } = this.#plan;
    let value: unknown;
    try {
      const handles = await this.#begin(signal);
      const working = (async () => work(handles as never, { id, signal }))();
      value = await raceAbort(working, signal);
      await this.#branches.vote(lastResource, signal);
    } catch (error) {
      const reason = this.#reasonOf(error, signal);
      const incident = error === signal.reason ? "deadline" : "a-no";
      return { ok: false, incident, failure: { reason, cause: error }, error };
    }
    const { failure } = this.#branches;
    if (failure === undefined) return { ok: true, value };
    const error = signal.aborted ? signal.reason : abortedError(id, failure.reason, failure.cause);
    return { ok: false, incident: "a-no", failure, error };
  }

  async #begin(signal: AbortSignal): Promise<unknown> {
    try {
      return await raceAbort(this.#branches.begin(signal), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw abortedError(this.#plan.id, "a participant did not begin", error);
    }
  }

  /** Decides, and waits until it is known what came of it. */
  async outcome(attempt: Attempt): Promise<unknown> {
    const { runtime } = this.#desk.backend;
    const { id } = this.#plan;
    const endMs = runtime.time.monotonicMs() + this.#desk.settings.settleMs;
    const limit = linkedController();
    const timer = runtime.time.setTimer(this.#desk.settings.settleMs, () => limit.abort("late"));
    const doubt: { cause?: unknown } = {};
    const concluded = this.#conclude(attempt, doubt);
    try {
      if (!attempt.ok) {
        // Nobody else can commit it, so it has aborted whether or not that is written by now.
        await raceAbort(concluded.told, limit.signal).catch(() => {});
        throw this.#errorOf(attempt);
      }
      const answer = await this.#heard(concluded, limit.signal, endMs);
      if (answer === "done") return attempt.value;
      if (answer === "aborted") throw abortedError(id, this.#abortReason());
      const effect = answer === "committed" ? "applied" : "unknown";
      const participants = this.#pending();
      throw inDoubtError({ id, participants, effect, ...doubt });
    } finally {
      timer.cancel();
      limit.detach();
      void concluded.driven.finally(() => this.#waiting.delete(this.#plan.tag));
    }
  }

  /** `told`: decided, or in doubt about it; `driven`: this process has done all that it can. */
  #conclude(
    attempt: Attempt,
    doubt: { cause?: unknown },
  ): { readonly told: Promise<void>; readonly driven: Promise<void> } {
    const held = this.#held;
    invariant(held !== undefined, "what is concluded was opened");
    this.#waiting.set(this.#plan.tag, () => this.#onAcked());
    const told = this.#decide(held, attempt).catch((error: unknown) => void (doubt.cause = error));
    const driven = told
      .then(() => this.#branches.release("ended"))
      // Always, so that the station lets go of it; what is not decided is aborted by it.
      .then(() => this.#desk.station.drive(held));
    return { told, driven };
  }

  async #decide(held: Held<TwoPhaseRecord>, attempt: Attempt): Promise<void> {
    const incident = attempt.ok ? count(this.#branches.votes) : attempt.incident;
    const move = coordinate(stageOf(held.record), incident);
    if (move === "write-aborted") {
      const { failure, incident } = attempt as Extract<Attempt, { ok: false }>;
      await this.#branches.release(incident === "deadline" ? "abandoned" : "ended");
      return this.#abort(held, failure.reason);
    }
    if (move === "write-ended") return this.#write(held, "committed", { pending: [] });
    const { lastResource } = this.#plan;
    if (lastResource !== "" && !(await this.#commitLast(held, lastResource))) {
      await this.#branches.release("ended");
      return this.#abort(held, `${lastResource} did not commit`);
    }
    const pending = this.#branches.yes.filter((name) => name !== lastResource);
    return this.#write(held, "committed", { pending });
  }

  /** Whether the last resource committed; asked until it is known. @throws nobody can tell. */
  async #commitLast(held: Held<TwoPhaseRecord>, name: string): Promise<boolean> {
    const decision = await this.#branches.commitLast(name);
    if (decision !== undefined) return decision === "committed";
    // Whoever drives the record settles it, and the record follows.
    throw inDoubtError({ id: held.id, participants: [name], effect: "unknown" });
  }

  /**
   * Participants first: nobody but this run can commit, so the record need not say that it aborts
   * before they do; and when all have answered, one write is both the decision and the end.
   */
  async #abort(held: Held<TwoPhaseRecord>, reason: string): Promise<void> {
    const { id, tag } = this.#plan;
    const { doubtful } = this.#branches;
    const told = await Promise.allSettled(
      doubtful.map((participant) => {
        return tell(this.#desk, { id, tag, participant, decision: "aborted" });
      }),
    );
    const pending = doubtful.filter((_, index) => told[index]?.status === "rejected");
    await this.#write(held, "aborted", { pending, reason });
  }

  async #write(
    held: Held<TwoPhaseRecord>,
    decision: Decision,
    { pending, reason = "" }: { readonly pending: readonly string[]; readonly reason?: string },
  ): Promise<void> {
    const { settings, station } = this.#desk;
    const progress = decided(this.#desk, { decision, pending, reason });
    const options = pending.length === 0 ? { retentionMs: settings.retentionMs } : {};
    // One who asked past the deadline may have been first: then that stands.
    await station.apply(
      held,
      (record) => (record.progress.kind === "preparing" ? { ...record, progress } : record),
      options,
    );
    if (held.record.progress === progress) publishDecided(this.#desk, held.id, held.record, "run");
    if (progress.kind === "ended") this.#onAcked();
  }

  #onAcked(): void {
    this.#isAcked = true;
    this.#acked.resolve();
  }

  /** What became of a transaction that all had voted for. */
  async #heard(
    { told, driven }: { readonly told: Promise<void>; readonly driven: Promise<void> },
    limit: AbortSignal,
    endMs: Ms,
  ): Promise<Answer | "done"> {
    const { runtime } = this.#desk.backend;
    try {
      await raceAbort(told, limit);
      if (this.#known() === "aborted") return "aborted";
      await raceAbort(Promise.race([this.#acked.promise, driven]), limit);
    } catch (reason) {
      if (reason !== limit.reason) throw reason;
    }
    if (this.#known() === "aborted") return "aborted";
    if (this.#isAcked && this.#known() === "committed") return "done";
    // Another worker has it, or the store is silent: look until the time is over, at least once.
    let answer: Answer | "done" = this.#known();
    for (;;) {
      answer = await this.#look(answer);
      if (answer === "done" || answer === "aborted") return answer;
      if (runtime.time.monotonicMs() >= endMs) return answer;
      await sleep(runtime, POLL_MS);
    }
  }

  /** As this process wrote or read it last; whoever drives it here keeps it up to date. */
  get #record(): TwoPhaseRecord {
    invariant(this.#held !== undefined, "what is asked about was opened");
    return this.#held.record;
  }

  #pending(): readonly string[] {
    const { progress, participants } = this.#record;
    return progress.kind === "decided" ? progress.pending : participants;
  }

  #known(): Answer {
    return decisionOf(this.#record) ?? "undecided";
  }

  async #look(before: Answer): Promise<Answer | "done"> {
    const { id, tag } = this.#plan;
    try {
      const stored = await this.#desk.station.read(id);
      if (stored?.record.tag === tag && stageOf(stored.record) === "ended-committed") return "done";
      return await ask(this.#desk, { id, tag });
    } catch {
      return before;
    }
  }

  #errorOf({ error, failure }: Extract<Attempt, { ok: false }>): unknown {
    if (error !== this.#plan.signal?.reason || this.#plan.signal?.aborted !== true) return error;
    return abortedError(this.#plan.id, failure.reason, error);
  }

  #abortReason(): string {
    const { progress } = this.#record;
    const isKnown = progress.kind !== "preparing";
    return isKnown && progress.reason !== "" ? progress.reason : "it was taken over and aborted";
  }

  #reasonOf(error: unknown, signal: AbortSignal): string {
    if (error === signal.reason) {
      return this.#plan.signal?.aborted === true ? "its caller gave up" : LATE;
    }
    // Messages of foreign errors may carry what the work was given.
    const text = isQuorateError(error) ? error.message : "its work failed";
    return text.slice(0, MAX_REASON_LENGTH);
  }
}
