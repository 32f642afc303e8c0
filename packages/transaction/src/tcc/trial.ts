/**
 * A trial: the work of one transaction, from its first branch to the decision.
 *
 * The work runs in the process that began it, and dies with it: nobody else knows which branches it
 * would have tried next. So the only thing that can be decided without it is the cancel.
 *
 * Guarantees: a branch's try is sent after its registration is stored; the decision for confirm is
 * written only if every registered branch is tried and nothing else befell the transaction.
 */
import {
  deferred,
  isQuorateError,
  type Json,
  linkedController,
  type LinkedController,
  type Ms,
  onAbort,
  raceAbort,
  sleep,
} from "@quorate/core";

import { jsonOf } from "../barrier/answer.ts";
import type { DriveContext, Held } from "../kernel/contract.ts";
import { overtakenError } from "../kernel/errors.ts";
import { bounded, called, type Desk, pauseAfter, type Served } from "./desk.ts";
import { abortedError, wordOf } from "./errors.ts";
import { coordinate, type Incident } from "./machine.ts";
import { checkBranches, checkCall, type CheckedCall } from "./calls.ts";
import { reservation } from "./reservation.ts";
import { cancelling, confirming, registered, type TccBranch, type TccRecord } from "./record.ts";
import type { TccBranchOptions, TccTransaction } from "./tcc.ts";

/** Largest result of the work, and largest input of a branch, as JSON text. */
export const MAX_JSON_BYTES = 32_768;

/** What speaks against confirming. */
interface Doom {
  readonly incident: Incident;
  readonly reason: string;
  readonly cause: unknown;
}

/** The work of a transaction. */
export type TccWork = (transaction: TccTransaction) => unknown;

/** One transaction's work, while it may still be confirmed. */
export class Trial implements TccTransaction {
  readonly id: string;
  readonly deadlineAtMs: Ms;
  /** Resolves when the decision is stored, or can no longer be made here. */
  readonly decided: Promise<void>;
  readonly #desk: Desk;
  readonly #served: Served;
  readonly #work: TccWork;
  readonly #untilMs: Ms;
  readonly #stop: LinkedController = linkedController();
  readonly #doomed = deferred<void>();
  readonly #decided = deferred<void>();
  readonly #branches = new Map<string, "registered" | "tried">();
  readonly #tries = new Set<Promise<unknown>>();
  #queued: TccBranch[] = [];
  #batch: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #doom: Doom | undefined;
  #isOver = false;
  #drive: { readonly held: Held<TccRecord>; readonly context: DriveContext } | undefined;

  constructor(
    desk: Desk,
    served: Served,
    options: { readonly id: string; readonly deadlineMs: Ms; readonly deadlineAtMs: Ms },
    work: TccWork,
  ) {
    this.id = options.id;
    this.deadlineAtMs = options.deadlineAtMs;
    this.decided = this.#decided.promise;
    this.#desk = desk;
    this.#served = served;
    this.#work = work;
    this.#untilMs = desk.runtime.time.monotonicMs() + options.deadlineMs;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Why it was cancelled, for whoever called `run`. */
  get cause(): unknown {
    return this.#doom?.cause;
  }

  /** False: the work has run, and does not run twice. */
  get isFresh(): boolean {
    return this.#drive === undefined;
  }

  /** Runs the work and writes the decision. @throws why the decision could not be written */
  async run(held: Held<TccRecord>, context: DriveContext): Promise<void> {
    this.#drive = { held, context };
    const { time } = this.#desk.runtime;
    const leftMs = Math.max(0, this.#untilMs - time.monotonicMs());
    const timer = time.setTimer(leftMs, () => this.doom("deadline", "its deadline"));
    const off = onAbort(context.signal, () => {
      this.doom("coordinator-gone", "its worker lost its lease", context.signal.reason);
    });
    try {
      const worked = this.#runWork();
      await Promise.race([worked, this.#doomed.promise]);
      const result = this.#doom === undefined ? (await worked)?.result : undefined;
      this.#isOver = true;
      await Promise.allSettled([this.#batch, this.#writing]);
      if (context.signal.aborted) throw context.signal.reason;
      await this.#decide(result, time.monotonicMs() < this.#untilMs);
    } finally {
      this.#isOver = true;
      timer.cancel();
      off();
      this.#stop.abort(abortedError(this.id, this.#doom?.reason ?? "it is decided"));
      this.#decided.resolve();
    }
  }

  /** Something speaks against confirming; the first such thing is the reason. */
  doom(incident: Incident, reason: string, cause?: unknown): void {
    if (this.#doom !== undefined || this.#isOver) return;
    this.#doom = { incident, reason, cause };
    this.#stop.abort(abortedError(this.id, reason, cause));
    this.#doomed.resolve();
  }

  async branch(
    participant: string,
    input: unknown,
    options: TccBranchOptions = {},
  ): Promise<never> {
    return this.#begin(checkCall(this.#served, { participant, input, ...options }));
  }

  async branches(calls: readonly object[]): Promise<readonly unknown[]> {
    const checked = checkBranches(this.#served, calls);
    return Promise.all(checked.map((call) => this.#begin(call)));
  }

  #begin(call: CheckedCall): Promise<never> {
    this.signal.throwIfAborted();
    if (this.#isOver) throw abortedError(this.id, "its work had ended before this branch");
    call.take(this.#branches);
    const tried = this.#registerAndTry(call);
    this.#tries.add(tried);
    // The work may have looked away; the transaction has not.
    tried.catch((error: unknown) => this.doom("refused", reasonOf(call.name, error), error));
    return tried;
  }

  async #runWork(): Promise<{ readonly result: Json | undefined } | undefined> {
    try {
      const value = await this.#work(this);
      const result = jsonOf("result", value, MAX_JSON_BYTES);
      await Promise.allSettled(this.#tries);
      return { result };
    } catch (error) {
      this.doom("cancel", `its work threw ${wordOf(error)}`, error);
      return undefined;
    }
  }

  async #registerAndTry(call: CheckedCall): Promise<never> {
    const { held } = this.#driven();
    await raceAbort(this.#register(call), this.signal);
    if (held.record.state !== "trying") {
      this.doom("cancel", held.record.reason);
      throw abortedError(this.id, held.record.reason);
    }
    const result = await this.#try(call);
    this.#branches.set(call.name, "tried");
    return result;
  }

  /** Those that are begun in one turn, or while a write is under way, share the next write. */
  #register({ name, participant, input }: CheckedCall): Promise<void> {
    const status = "registered";
    this.#queued.push({ name, participant, input, status, failures: 0, error: "" });
    this.#batch ??= this.#writing.then(() => {
      const more = this.#queued;
      this.#queued = [];
      this.#batch = undefined;
      const { held } = this.#driven();
      this.#writing = this.#desk.station.apply(held, (record) => registered(record, more));
      return this.#writing;
    });
    return this.#batch;
  }

  async #try(call: CheckedCall): Promise<never> {
    const { settings, runtime } = this.#desk;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(call, attempt);
      } catch (error) {
        this.signal.throwIfAborted();
        if (isNo(error) || attempt >= settings.tryAttempts) throw error;
        await sleep(runtime, pauseAfter(this.#desk, attempt), { signal: this.signal });
      }
    }
  }

  #ask(call: CheckedCall, attempt: number): Promise<never> {
    const { held, context } = this.#driven();
    const { fence } = held.record;
    if (!context.isHeld()) throw overtakenError(this.id, fence);
    const { callTimeoutMs: timeoutMs, skewMs } = this.#desk.settings;
    const { id, deadlineAtMs } = this;
    const branch = `${id}/${call.name}`;
    const key = `${branch}/try`;
    const { name, participant } = call;
    const subject = { id, name: held.record.name, branch: name, participant };
    const facts = { ...subject, doing: "try" as const };
    return bounded(this.#desk, { key, timeoutMs, signal: this.signal }, (signal) =>
      called(this.#desk.events, { ...facts, attempt }, () =>
        call.served.try({
          ...{ id, branch, key, attempt, deadlineAtMs, signal },
          input: call.input,
          fencingToken: fence,
          reservation: reservation(id, branch, { deadlineAtMs, skewMs }),
        }),
      ),
    ) as Promise<never>;
  }

  async #decide(result: Json | undefined, isInTime: boolean): Promise<void> {
    const { held } = this.#driven();
    const isTried = [...this.#branches.values()].every((status) => status === "tried");
    // The registrations may have taken long after the work had ended.
    const late = isInTime ? undefined : { incident: "deadline" as const, reason: "its deadline" };
    const doom = this.#doom ?? late;
    const incident: Incident = doom?.incident ?? (isTried ? "all-tried" : "refused");
    const reason = doom?.reason ?? "a branch is not tried";
    const move = coordinate("trying", incident);
    await this.#desk.station.apply(held, (record) =>
      move === "write-confirming" ? confirming(record, result) : cancelling(record, reason),
    );
    const { decided } = this.#desk.events;
    if (!decided.hasSubscribers) return;
    const { name, state, reason: why } = held.record;
    decided.publish({ id: this.id, name, state, reason: why });
  }

  #driven(): { readonly held: Held<TccRecord>; readonly context: DriveContext } {
    if (this.#drive === undefined) throw abortedError(this.id, "it has not begun");
    return this.#drive;
  }
}

/** A definite no: asking again is no use. */
function isNo(error: unknown): boolean {
  if (isQuorateError(error, "REFUSED")) return true;
  return isQuorateError(error, "BARRIER_REFUSED") && !error.retryable;
}

function reasonOf(branch: string, error: unknown): string {
  const word = isQuorateError(error, "REFUSED") ? error.details.reason : wordOf(error);
  return `${branch}: ${word.slice(0, 128).toWellFormed()}`;
}
