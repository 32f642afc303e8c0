/**
 * The desk at which permits of an exact limit are had: one write to the store for all who ask
 * while the last one was under way.
 *
 * Each write is a compare-and-set of the fleet's bucket (GCRA, see gcra.ts). A permit that comes
 * later is reserved: the bucket is filled beyond its limit, and the caller waits here until its
 * turn, so the order is that of the writes, over all instances. A refusal that the last known
 * record implies needs no write: others can only have filled the bucket further.
 */
import { type Entry, isQuorateError, type KvStore, type Ms, type Runtime } from "@quorate/core";

import { type RateTerms, toUs } from "../rate-units.ts";
import { backlogAt, encodePermits, type PermitReading } from "./permit-record.ts";

/** Times that a conflict is answered by another try. */
const MAX_TRIES = 20;

/** Somebody at the desk. */
export interface Applicant {
  readonly cost: number;
  /** Longest wait that is of use, from `nowMs`. */
  patienceMs(nowMs: Ms): Ms;
  /** The permits are there at `dueMs`, of the caller's monotonic clock. Must not throw. */
  reserved(dueMs: Ms): void;
  /** They would take `waitMs`, which is too long. Must not throw. */
  refused(waitMs: Ms): void;
  /** The store did not answer, or refused. Must not throw. */
  failed(error: unknown): void;
}

/** What the desk works with. */
export interface DeskOptions {
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly key: string;
  readonly terms: RateTerms;
  /** Deadline of each store call. */
  readonly timeoutMs: Ms;
}

/** The desk. */
export class PermitDesk {
  readonly #options: DeskOptions;
  /** Time that one permit takes to run out. */
  readonly #permitUs: number;
  #asking: Applicant[] = [];
  #known: PermitReading | undefined;
  #isBusy = false;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#permitUs = toUs(options.terms.perMs) / options.terms.limit;
  }

  /** Asks for permits; the applicant is told how it went. */
  ask(applicant: Applicant): void {
    this.#asking.push(applicant);
    if (!this.#isBusy) void this.#work();
  }

  /** The applicant does not want any more. What was asked of the store already is spent. */
  leave(applicant: Applicant): void {
    this.#asking = this.#asking.filter((one) => one !== applicant);
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#asking.length > 0) {
      const batch = this.#asking;
      this.#asking = [];
      try {
        await this.#serve(batch);
      } catch (error) {
        this.#known = undefined;
        for (const applicant of batch) applicant.failed(error);
      }
    }
    this.#isBusy = false;
  }

  async #serve(batch: readonly Applicant[]): Promise<void> {
    const { kv, key, runtime, timeoutMs } = this.#options;
    let left = batch;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const nowMs = runtime.time.monotonicMs();
      const plan = this.#plan(left, nowMs);
      // What is too long by the last known record is too long by any later one.
      for (const { applicant, waitMs } of plan.late) applicant.refused(waitMs);
      if (plan.inTime.length === 0) return;
      left = plan.inTime.map(({ applicant }) => applicant);
      const { text, ttlMs } = encodePermits(plan.backlogUs);
      // Unknown: perhaps there is none; if there is, the answer brings it.
      const expect = this.#known?.entry?.revision ?? ("absent" as const);
      const put = await kv.put(key, text, { expect, ttlMs, timeoutMs });
      const receivedMs = runtime.time.monotonicMs();
      this.#known = { entry: entryOf(put), receivedMs };
      if (!put.ok) continue;
      for (const { applicant, waitMs } of plan.inTime) applicant.reserved(receivedMs + waitMs);
      return;
    }
    throw new Error(`${MAX_TRIES} conflicts in a row`);
  }

  #plan(applicants: readonly Applicant[], nowMs: Ms) {
    const { burst } = this.#options.terms;
    let backlogUs = this.#known === undefined ? 0 : backlogAt(this.#known, nowMs);
    const inTime: { readonly applicant: Applicant; readonly waitMs: Ms }[] = [];
    const late: typeof inTime = [];
    for (const applicant of applicants) {
      const pouredUs = backlogUs + applicant.cost * this.#permitUs;
      const waitMs = Math.max(0, Math.ceil(pouredUs - burst * this.#permitUs)) / 1_000;
      const isLate = waitMs > applicant.patienceMs(nowMs);
      (isLate ? late : inTime).push({ applicant, waitMs });
      if (!isLate) backlogUs = pouredUs;
    }
    return { inTime, late, backlogUs };
  }
}

function entryOf(put: Awaited<ReturnType<KvStore["put"]>>): Entry | undefined {
  return put.ok ? put.entry : put.current;
}

/** What a failure is told as: its code where it has one. */
export function failureName(error: unknown): string {
  if (isQuorateError(error)) return error.code;
  return error instanceof Error ? error.message : "unknown";
}
