/**
 * One call's way through the barrier, where the effect lies outside of the record.
 *
 * First `trying` is written, then the work runs, then `tried` is written; both by compare-and-set.
 * What another call is doing at the moment is waited for, for as long as the lease that it wrote
 * lasts by the store's clock; after that its outcome is in doubt, and the work is run again and
 * told
 * so.
 *
 * Guarantees: two calls of one branch are at work at the same time only if one of them works beyond
 * its lease; nothing is written over that another call wrote since.
 */
import {
  type Entry,
  effectOf,
  isQuorateError,
  leaseLeftMs,
  type LeaseWindow,
  leaseWindow,
  linkedController,
  type Ms,
  type PutResult,
  QuorateError,
  type Revision,
  sleep,
} from "@quorate/core";

import { settledPut } from "../kernel/settled-put.ts";
import { type Answer, answerOfValue, NOTHING, refusalOf, valueOf } from "./answer.ts";
import type { PassWork, SettleContext } from "./barrier.ts";
import {
  busyError,
  lateEffectError,
  notBegunError,
  notSettledError,
  refusedError,
} from "./errors.ts";
import type { Desk } from "./desk.ts";
import {
  type Action,
  actionFor,
  type BranchState,
  type Operation,
  RUNNING,
  SETTLED,
} from "./machine.ts";
import type { CheckedOptions, CheckedPass } from "./options.ts";
import { type BranchRecord, decodeRecord, encodeRecord, leaseLeftOf } from "./record.ts";

/** A record as the store has it. */
interface Found {
  readonly record: BranchRecord;
  readonly revision: Revision;
  readonly leaseLeftMs: Ms;
}

/** A run whose beginning is written. */
interface Run {
  readonly record: BranchRecord;
  readonly revision: Revision;
  readonly window: LeaseWindow;
}

/** A write's answer: it holds, or what is there instead. */
type Written =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly found: Found | undefined };

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
const TRIES = 4;
const UNSEEN = Symbol("unseen");

/** Where the record of `branch` lies. */
export function placeOf(options: CheckedOptions, branch: string): string {
  return `${options.name}/${branch}`;
}

/** The record of `branch`. @throws RECORD_INVALID, or the store's error */
export async function look(
  { kv, options }: Desk,
  branch: string,
  signal?: AbortSignal,
): Promise<{ readonly entry: Entry; readonly record: BranchRecord } | undefined> {
  const entry = await kv.get(placeOf(options, branch), { signal });
  return entry === undefined ? undefined : { entry, record: decodeRecord(entry, branch) };
}

/** One operation on one branch. */
export class Passage<T> {
  readonly #desk: Desk;
  readonly #branch: string;
  readonly #operation: Operation;
  readonly #work: PassWork<T, SettleContext>;
  readonly #pass: CheckedPass;
  readonly #waitUntilMs: Ms;

  constructor(
    desk: Desk,
    call: { readonly branch: string; readonly operation: Operation; readonly pass: CheckedPass },
    work: PassWork<T, SettleContext>,
  ) {
    this.#desk = desk;
    this.#branch = call.branch;
    this.#operation = call.operation;
    this.#pass = call.pass;
    this.#work = work;
    this.#waitUntilMs = desk.runtime.time.monotonicMs() + desk.options.waitMs;
  }

  /** Goes through. See `Barrier` for what it throws. */
  async go(): Promise<T> {
    this.#pass.signal?.throwIfAborted();
    // A try is mostly the first that is heard of its branch: it asks by writing.
    let found: Found | undefined | typeof UNSEEN = this.#operation === "try" ? undefined : UNSEEN;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      if (found === UNSEEN) found = await this.#look();
      const action = actionFor(this.#operation, found?.record.state ?? "none");
      if (action === "again" && found !== undefined && found.leaseLeftMs > 0) {
        await this.#wait(found.leaseLeftMs, pauseMs);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        found = UNSEEN;
        continue;
      }
      if (action === "work" || action === "again") {
        const begun = await this.#begin(found);
        if (begun.ok) return this.#run(begun.run);
        found = begun.found;
      } else if (action === "bury") {
        const buried = await this.#bury(found);
        if (buried.ok) return valueOf(NOTHING, this.#key) as T;
        found = buried.found;
      } else {
        return this.#answer(action, found);
      }
    }
  }

  get #key(): string {
    return `${this.#branch}/${this.#operation}`;
  }

  async #look(): Promise<Found | undefined> {
    const seen = await look(this.#desk, this.#branch, this.#pass.signal);
    return seen === undefined ? undefined : foundOf(seen.entry, seen.record);
  }

  async #wait(leaseLeftMs: Ms, pauseMs: Ms): Promise<void> {
    const { runtime } = this.#desk;
    const waitLeftMs = this.#waitUntilMs - runtime.time.monotonicMs();
    if (waitLeftMs <= 0) throw busyError(this.#branch, this.#operation, leaseLeftMs);
    const ms = Math.min(leaseLeftMs, waitLeftMs, pauseMs);
    await sleep(runtime, ms, { signal: this.#pass.signal });
  }

  /** Stored answers, and refusals. */
  #answer(action: Action, found: Found | undefined): T {
    const state: BranchState = found?.record.state ?? "none";
    if (action === "replay") {
      return valueOf(found?.record.answers.get(this.#operation), this.#key) as T;
    }
    const { conflict, refused } = this.#desk.events;
    const subject = { branch: this.#branch, asked: this.#operation, have: state };
    if (action === "hanging") {
      if (refused.hasSubscribers) refused.publish(subject);
      throw refusedError(this.#branch, this.#operation, state, "hanging");
    }
    const kind = action === "early" ? "early" : "conflict";
    if (conflict.hasSubscribers) conflict.publish({ ...subject, kind });
    throw refusedError(this.#branch, this.#operation, state, kind);
  }

  /** Writes that the work begins. */
  async #begin(
    found: Found | undefined,
  ): Promise<{ readonly ok: true; readonly run: Run } | Extract<Written, { ok: false }>> {
    const { runtime, options, events } = this.#desk;
    const operation = this.#operation;
    const before = found?.record;
    const repeats = before?.state === RUNNING[operation];
    const record: BranchRecord = {
      branch: this.#branch,
      state: RUNNING[operation],
      attempt: repeats ? before.attempt + 1 : 1,
      outcome: operation === "cancel" ? outcomeOf(before) : undefined,
      leaseMs: this.#pass.leaseMs,
      keptMs: options.retentionMs,
      answers: before?.answers ?? new Map(),
    };
    // Before the write leaves: the store counts from when it lands.
    const window = leaseWindow(runtime.time, this.#pass.leaseMs);
    const written = await this.#write(record, found?.revision ?? "absent").catch((error) => {
      // It may stand there as begun; then its lease ends, and the next call goes on from it.
      if (effectOf(error) === "none" || !isQuorateError(error)) throw error;
      throw notBegunError(this.#branch, operation, error);
    });
    if (!written.ok) return written;
    if (record.attempt > 1 && events.repeated.hasSubscribers) {
      const { attempt } = record;
      const { branch, state: have } = record;
      events.repeated.publish({ branch, asked: operation, have, attempt });
    }
    return { ok: true, run: { record, revision: written.revision, window } };
  }

  /** Writes the tombstone. */
  #bury(found: Found | undefined): Promise<Written> {
    const answers = new Map(found?.record.answers ?? []);
    answers.set("cancel", NOTHING);
    const record: BranchRecord = {
      branch: this.#branch,
      state: "cancelled",
      attempt: 0,
      outcome: undefined,
      leaseMs: 0,
      keptMs: this.#desk.options.retentionMs,
      answers,
    };
    return this.#write(record, found?.revision ?? "absent");
  }

  async #run(run: Run): Promise<T> {
    const { time } = this.#desk.runtime;
    const linked = linkedController(this.#pass.signal);
    const leftMs = leaseLeftMs(time, run.window);
    const over = (): void => linked.abort(leaseOver(this.#key, this.#pass.leaseMs));
    if (leftMs <= 0) {
      // The answer took longer than the lease: what is not safe to begin is not begun.
      await this.#letGo(run);
      linked.detach();
      throw notBegunError(this.#branch, this.#operation, leaseOver(this.#key, this.#pass.leaseMs));
    }
    const timer = time.setTimer(leftMs, over, { keepAlive: false });
    let answer: Answer;
    try {
      const value = await this.#work(this.#contextOf(run, linked.signal));
      answer = answerOfValue(value, this.#desk.options.maxResultBytes);
    } catch (error) {
      const refusal = this.#refusalOf(run, error);
      if (refusal === undefined) {
        await this.#letGo(run);
        throw error;
      }
      answer = refusal;
    } finally {
      timer.cancel();
      linked.detach();
    }
    return this.#settle(run, answer);
  }

  /**
   * A refusal settles only what was not in doubt: the first of two runs may have taken effect, and
   * what the second met may be just that. Confirms and cancels may not refuse at all.
   */
  #refusalOf({ record }: Run, error: unknown): Answer | undefined {
    if (this.#operation !== "try" || record.attempt > 1) return undefined;
    return refusalOf(error, this.#desk.options.maxResultBytes);
  }

  #contextOf({ record, revision }: Run, signal: AbortSignal): SettleContext {
    const tried = record.answers.get("try");
    return {
      key: this.#key,
      branch: this.#branch,
      repeated: record.attempt > 1,
      fencingToken: revision,
      signal,
      outcome: record.outcome ?? "done",
      tried: tried?.kind === "value" ? tried.value : undefined,
    };
  }

  async #settle(run: Run, answer: Answer): Promise<T> {
    const operation = this.#operation;
    const answers = new Map(run.record.answers);
    answers.set(operation, answer);
    const state = answer.kind === "refused" ? "refused" : SETTLED[operation];
    const settled: BranchRecord = { ...run.record, state, leaseMs: 0, answers };
    let written: Written;
    try {
      written = await this.#write(settled, run.revision);
    } catch (error) {
      if (answer.kind === "refused") throw error;
      const effect = operation === "try" ? "unknown" : "applied";
      throw notSettledError(this.#branch, operation, effect, error);
    }
    return written.ok ? (valueOf(answer, this.#key) as T) : this.#overtaken(written.found);
  }

  /** Another call took this run over. Where it did the same, its answer is the one that counts. */
  #overtaken(found: Found | undefined): T {
    const have: BranchState = found?.record.state ?? "none";
    const stored = found?.record.answers.get(this.#operation);
    if (stored !== undefined && actionFor(this.#operation, have) === "replay") {
      return valueOf(stored, this.#key) as T;
    }
    if (have === RUNNING[this.#operation]) {
      // The same work is at it again; what comes of that counts, and ours may have happened.
      throw notSettledError(this.#branch, this.#operation, "unknown", undefined);
    }
    const { conflict } = this.#desk.events;
    const subject = { branch: this.#branch, asked: this.#operation, have };
    if (conflict.hasSubscribers) conflict.publish({ ...subject, kind: "late-effect" });
    throw lateEffectError(this.#branch, this.#operation, have);
  }

  /** Ends the lease of a run that failed, so that a repeat need not wait. Asked once. */
  async #letGo({ record, revision }: Run): Promise<void> {
    await this.#write({ ...record, leaseMs: 0 }, revision, 1).catch(() => {});
  }

  async #write(
    record: BranchRecord,
    expect: Revision | "absent",
    tries: number = TRIES,
  ): Promise<Written> {
    const { options } = this.#desk;
    const put: PutResult = await settledPut(this.#desk, {
      key: placeOf(options, this.#branch),
      text: encodeRecord(record),
      expect,
      ttlMs: options.retentionMs,
      signal: undefined,
      tries,
    });
    if (put.ok) return { ok: true, revision: put.entry.revision };
    const { current } = put;
    if (current === undefined) return { ok: false, found: undefined };
    return { ok: false, found: foundOf(current, decodeRecord(current, this.#branch)) };
  }
}

function foundOf(entry: Entry, record: BranchRecord): Found {
  return { record, revision: entry.revision, leaseLeftMs: leaseLeftOf(entry, record) };
}

/** What a cancel's work is told of the try. */
function outcomeOf(before: BranchRecord | undefined): "done" | "unknown" {
  if (before?.state === "cancelling") return before.outcome ?? "unknown";
  return before?.state === "tried" ? "done" : "unknown";
}

function leaseOver(key: string, timeoutMs: Ms): QuorateError<"TIMEOUT"> {
  const message = `the work of ${key} took longer than its lease of ${timeoutMs} ms`;
  const details = { operation: key, timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
