/**
 * The shell around the candidate: claims, prepares, runs the work, tells it to stop, gives back.
 *
 * One candidacy is one `lead` or one `campaign`. The machine (`candidate.ts`) says where it stands;
 * each state that is entered starts what has to be waited for, and its end is the next event.
 * Leaving a state aborts what was started in it.
 *
 * Guarantees: never two works at once; a lease that is held is given back after the work's end, or
 * left to run out. Nothing becomes an unhandled rejection.
 */
import {
  type Deferred,
  deferred,
  type FencingToken,
  isQuorateError,
  type Json,
  type Ms,
  type Runtime,
  sleep,
  type Timer,
} from "@quorate/core";
import type { Guard, Lock, Locks } from "@quorate/lock";
import { backoffMs } from "./backoff.ts";
import { type Ambition, BEGINNING, type CandidateEvent, type CandidateState } from "./candidate.ts";
import { next, type Afterwards } from "./candidate.ts";
import type { EndReason } from "./election-errors.ts";
import type { ElectionEvents, ElectionSubject } from "./events.ts";
import type { ResignAnswer } from "./leadership.ts";
import type { CheckedElectionOptions } from "./options.ts";
import { prepare } from "./preparation.ts";
import { checkJson, encodeStanding } from "./record.ts";
import { TermLog } from "./term-log.ts";
import { Term } from "./term.ts";

/** What all candidacies of an election have in common. */
export interface CandidacyDesk {
  readonly name: string;
  /** Lock key and bus subject. */
  readonly key: string;
  readonly locks: Locks;
  readonly records: Guard;
  readonly runtime: Runtime;
  readonly options: CheckedElectionOptions;
  readonly events: ElectionEvents;
  readonly subject: ElectionSubject;
  failed(during: string, error: unknown, failures: number): void;
}

/** One run of a candidate. */
export interface Run {
  readonly ambition: Ambition;
  /** Longest time of campaigning. */
  readonly waitMs: Ms;
  /** What to do as a leader. Its end is the term's; `undefined`: that is the caller's business. */
  readonly work: ((term: Term) => Promise<void>) | undefined;
  /** Called when a term begins. */
  onLeading(term: Term): void;
}

/** How to stop. */
export interface Stop {
  readonly afterwards: Afterwards;
  readonly reason: EndReason;
  readonly withinMs: Ms;
  /** What there is to do when the work has ended, before the lease is given back. */
  readonly beforeGivingBack?: () => Promise<void>;
}

/** Why a claim was given up to be made again. */
const LET_PASS = Symbol("let another pass");
const MARK_PATIENCE_MS = 1_000;

/** See above. */
export class Candidacy {
  readonly #desk: CandidacyDesk;
  readonly #run: Run;
  readonly #endsMs: Ms;
  readonly #ended = deferred<void>();
  #state: CandidateState = BEGINNING;
  #scope = new AbortController();
  #term: Term | undefined;
  #log: TermLog | undefined;
  #working: Promise<void> | undefined;
  #stop: Stop | undefined;
  #overdue: Timer | undefined;
  /** For what the timer above was set. */
  #boundBy: Stop | "loss" | undefined;
  /** The work of this term has begun. */
  #hasBegun = false;
  #error: unknown;
  #handedOver: Deferred<ResignAnswer> | undefined;
  #answer: ResignAnswer = "not-leading";
  #aboveToken: FencingToken | undefined;
  #delayedMs: Ms = 0;

  constructor(desk: CandidacyDesk, run: Run) {
    this.#desk = desk;
    this.#run = run;
    this.#endsMs = desk.runtime.time.monotonicMs() + run.waitMs;
  }

  /** Starts. Call it once. */
  start(): this {
    this.#enter(this.#state);
    return this;
  }

  /** Where it stands. */
  get state(): CandidateState["kind"] {
    return this.#state.kind;
  }

  /** The term, while it leads. */
  get term(): Term | undefined {
    return this.#state.kind === "leading" ? this.#term : undefined;
  }

  /** Resolves when it is over; the work may then still be cut off (`working`). */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Why it never will lead; `undefined` where it was stopped, or did. */
  get error(): unknown {
    return this.#error;
  }

  /** How the last term was given up. */
  get answer(): ResignAnswer {
    return this.#answer;
  }

  /** The work at hand; it never rejects. */
  get working(): Promise<void> | undefined {
    return this.#working;
  }

  /** Stops the present term, or the candidacy as a whole. The first stop's bound stands. */
  stop(stop: Stop): void {
    if (this.#state.kind === "ended") return;
    this.#stop ??= stop;
    this.#dispatch({ kind: "stopped", afterwards: stop.afterwards });
  }

  /** Stops this term alone, and tells how it was given up. */
  handOver(term: Term, stop: Stop): Promise<ResignAnswer> {
    if (this.term !== term) return Promise.resolve("expired");
    this.#handedOver = deferred();
    this.stop(stop);
    return this.#handedOver.promise;
  }

  /** Leaves the line and joins it again at its end. */
  readonly letPass = (): void => {
    if (this.#state.kind === "campaigning") this.#scope.abort(LET_PASS);
  };

  /** For `Leadership.publish`. */
  async publish(term: Term, value: Json, signal: AbortSignal | undefined): Promise<void> {
    const { candidate } = this.#desk.options.standing;
    const checked = checkJson(value);
    encodeStanding({ candidate, value: checked });
    if (term === this.#term) await this.#log?.publish(checked, signal);
  }

  /** The caller of `campaign` has ended its work. */
  workEnded(term: Term): void {
    if (term === this.#term) this.#dispatch({ kind: "work-ended" });
  }

  #dispatch(event: CandidateEvent): void {
    const before = this.#state;
    const state = next(before, event, this.#run.ambition);
    if (state === before) return;
    this.#state = state;
    const left = this.#scope;
    this.#scope = new AbortController();
    left.abort(new Error("this state was left"));
    this.#enter(state);
  }

  #enter(state: CandidateState): void {
    const { signal } = this.#scope;
    switch (state.kind) {
      case "campaigning":
        return void this.#claim(signal);
      case "resting":
        return void this.#rest(state.failures, signal);
      case "leaving":
        return; // The claim's end is on its way.
      case "preparing":
        return void this.#prepare(signal);
      case "leading":
        return this.#lead();
      case "stepping-down":
        return this.#stepDown();
      case "giving-back":
        return void this.#giveBack();
      case "ended":
        this.#overdue?.cancel();
        return this.#ended.resolve();
    }
  }

  async #claim(signal: AbortSignal): Promise<void> {
    const { locks, key, options } = this.#desk;
    const waitMs = Math.max(0, this.#endsMs - this.#now());
    const above = this.#aboveToken === undefined ? {} : { aboveToken: this.#aboveToken };
    try {
      const asked = { ttlMs: options.ttlMs, label: options.label, waitMs, signal, ...above };
      this.#granted(await locks.acquire(key, asked));
    } catch (error) {
      if (signal.aborted && signal.reason === LET_PASS) this.#dispatch({ kind: "passed" });
      else this.#refused(error, signal.aborted);
    }
  }

  #granted(lock: Lock): void {
    const { name, subject, records, runtime } = this.#desk;
    const term = new Term(lock, {
      ...subject,
      publish: (...published) => this.publish(...published),
      resign: (resigning) => this.#resign(resigning),
      lost: () => this.#dispatch({ kind: "lost" }),
    });
    this.#term = term;
    this.#hasBegun = false;
    this.#boundBy = undefined;
    this.#log = new TermLog(records, term, { name, sinceMs: runtime.time.wallMs() });
    this.#dispatch({ kind: "granted", term: term.term });
    term.listen();
  }

  #refused(error: unknown, isLeaving: boolean): void {
    const failures = this.#state.kind === "campaigning" ? this.#state.failures + 1 : 1;
    const final = isHopeless(error) || this.#now() >= this.#endsMs;
    if (!isLeaving) {
      this.#desk.failed("ask", error, failures);
      if (final) this.#error = error;
    }
    this.#dispatch({ kind: "failed", final });
  }

  async #rest(failures: number, signal: AbortSignal): Promise<void> {
    const { runtime } = this.#desk;
    const leftMs = Math.max(0, this.#endsMs - this.#now());
    const restMs = Math.min(leftMs, backoffMs(failures, runtime.random));
    const rested = await sleep(runtime, restMs, { signal }).then(
      () => true,
      () => false,
    );
    if (rested) this.#dispatch({ kind: "rested" });
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    const { options, runtime, failed } = this.#desk;
    const log = this.#log;
    if (log === undefined) return;
    try {
      const prepared = await prepare({
        ...{ log, runtime, signal, lockDelayMs: options.lockDelayMs },
        failed: (error, failures) => failed("record", error, failures),
      });
      if (signal.aborted) return;
      if (prepared.kind === "ready") {
        this.#delayedMs = prepared.delayedMs;
        this.#dispatch({ kind: "ready" });
      } else {
        this.#aboveToken = prepared.floor;
        this.#dispatch({ kind: "lost" });
      }
    } catch (error) {
      // Left meanwhile; anything else is a defect, and the term must not stay held by nobody.
      if (!signal.aborted) {
        this.#error = error;
        this.#dispatch({ kind: "stopped", afterwards: "end" });
      }
    }
  }

  #lead(): void {
    const term = this.#term;
    if (term === undefined) return;
    const { events, subject, runtime, options } = this.#desk;
    this.#stop = undefined;
    this.#hasBegun = true;
    if (events.elected.hasSubscribers) {
      events.elected.publish({ ...subject, term: term.term, delayedMs: this.#delayedMs });
    }
    // With a lock-delay it is recorded already. Without, it is for people, and nobody waits for it.
    if (options.lockDelayMs === 0) {
      const began = this.#log?.began(runtime.time.wallMs(), term.signal);
      began?.catch((error: unknown) => {
        if (!term.signal.aborted) this.#desk.failed("record", error, 1);
      });
    }
    const { work } = this.#run;
    if (work !== undefined) {
      this.#working = work(term).then(() => {
        this.#working = undefined;
        this.#dispatch({ kind: "work-ended" });
        // Cut off, and ended after all: nobody needs to wait for the rest of the lease.
        if (this.#state.kind === "ended") void term.giveBack();
      });
    }
    this.#run.onLeading(term);
  }

  #stepDown(): void {
    const term = this.#term;
    if (term === undefined) return;
    const { events, subject } = this.#desk;
    term.stepDown(this.#stop?.reason ?? "resigned");
    if (events.steppingDown.hasSubscribers && this.#boundBy === undefined) {
      const reason = term.reason ?? "resigned";
      events.steppingDown.publish({ ...subject, term: term.term, reason });
    }
    this.#watchWork(term);
    // No work of ours: whoever campaigned has been told, and has to see to it.
    if (this.#run.work === undefined) this.#dispatch({ kind: "work-ended" });
  }

  #watchWork(term: Term): void {
    const { runtime, options, events, subject } = this.#desk;
    const boundBy = this.#stop ?? "loss";
    if (this.#boundBy === boundBy) return;
    this.#boundBy = boundBy;
    this.#overdue?.cancel();
    const afterMs = this.#stop?.withinMs ?? options.resignWithinMs;
    const late = (): void => {
      if (this.#state.kind !== "stepping-down") return;
      if (events.overdue.hasSubscribers) {
        events.overdue.publish({ ...subject, term: term.term, afterMs });
      }
      if (this.#state.lease === "held") {
        term.lapse();
        this.#answered(term, "left-to-expire");
      }
      this.#dispatch({ kind: "overdue" });
    };
    this.#overdue = runtime.time.setTimer(afterMs, late, { keepAlive: false });
  }

  async #giveBack(): Promise<void> {
    const term = this.#term;
    if (term === undefined) return;
    this.#overdue?.cancel();
    const isHeld = term.remainingMs > 0;
    // A term that never began has ended nothing: whom it waited for may still be at work.
    if (isHeld && this.#hasBegun && this.#desk.options.lockDelayMs > 0) await this.#markEnd();
    if (isHeld) await this.#stop?.beforeGivingBack?.().catch(() => {});
    this.#answered(term, await term.giveBack());
    this.#dispatch({ kind: "given-back" });
  }

  /** So that the next leader need not wait. If it cannot be written, that one will. */
  async #markEnd(): Promise<void> {
    const patience = new AbortController();
    const { time } = this.#desk.runtime;
    const giveUp = (): void => patience.abort(new Error("no answer"));
    const timer = time.setTimer(MARK_PATIENCE_MS, giveUp, { keepAlive: false });
    await this.#log?.ended(patience.signal).catch(() => {});
    timer.cancel();
  }

  #answered(term: Term, answer: Exclude<ResignAnswer, "not-leading">): void {
    this.#answer = answer;
    this.#handedOver?.resolve(answer);
    this.#handedOver = undefined;
    const { events, subject } = this.#desk;
    if (events.ended.hasSubscribers) events.ended.publish({ ...subject, term: term.term, answer });
  }

  async #resign(term: Term): Promise<ResignAnswer> {
    if (term !== this.#term) return "expired";
    if (this.#run.work === undefined) this.workEnded(term);
    else {
      const { resignWithinMs } = this.#desk.options;
      this.stop({ afterwards: "end", reason: "resigned", withinMs: resignWithinMs });
    }
    await this.ended;
    return this.#answer;
  }

  #now(): Ms {
    return this.#desk.runtime.time.monotonicMs();
  }
}

/** Whether asking again cannot help: the caller's mistake, the end of the backend, or a defect. */
function isHopeless(error: unknown): boolean {
  if (!isQuorateError(error)) return true;
  return ["INVALID_ARGUMENT", "TOO_LARGE", "UNSUPPORTED", "CLOSED"].includes(error.code);
}
