/**
 * What a job is to this process, whoever says when it is due: its record, one change at a time, and
 * what this process has seen of it.
 */
import { isQuorateError, type Ms, sleep } from "@quorate/core";
import type { Changed, Found } from "./desk.ts";
import { tellDeclared } from "./events.ts";
import { end, type Claimer, type Ending, type Look, type Step } from "./machine.ts";
import type { CheckedPolicy } from "./options.ts";
import { type Claimed, freshRecord, type JobRecord } from "./record.ts";
import type { Schedule } from "./schedule.ts";
import type { Shared } from "./shared.ts";

/** Between two tries to write down how a run ended, at first; and at most. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/** What makes a job. */
export interface JobShape {
  readonly name: string;
  readonly schedule: Schedule;
  readonly policy: CheckedPolicy;
}

/** One job of this process. */
export class JobBase {
  readonly name: string;
  readonly schedule: Schedule;
  readonly policy: CheckedPolicy;
  readonly shared: Shared;
  /** The furthest that was seen to be judged. */
  #seenMs = 0;
  #chain: Promise<unknown> = Promise.resolve();
  #theirs: string | undefined;
  #latest: Found | undefined;

  constructor(shared: Shared, job: JobShape) {
    this.shared = shared;
    this.name = job.name;
    this.schedule = job.schedule;
    this.policy = job.policy;
  }

  /** Every tick up to here has been judged, as far as this process knows. */
  get seenMs(): Ms {
    return this.#seenMs;
  }

  /** One at a time: what is decided by the second has seen what the first wrote. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#chain.then(work);
    this.#chain = done.catch(() => {});
    return done;
  }

  /** What to decide with. */
  input(claimer: Claimer | undefined, dead: ReadonlySet<string> = new Set()): Look {
    const { name, schedule, policy, shared } = this;
    const nowMs = shared.runtime.time.wallMs();
    return { name, schedule, policy, nowMs, seenMs: this.#seenMs, claimer, dead, by: shared.by };
  }

  /** This process, as it may claim now; acquires the lease if need be. */
  async claimer(): Promise<Claimer> {
    const { owner } = await this.shared.worker.hold();
    return { owner, by: this.shared.by };
  }

  /** Changes the record, or makes it; tells what was declared; remembers what was seen. */
  async change(
    decide: (record: JobRecord) => Step,
    options: { readonly known?: Found | undefined; readonly own?: string } = {},
  ): Promise<Changed> {
    const { desk, events } = this.shared;
    const { known, own } = options;
    const orFresh = (record: JobRecord | undefined): Step => {
      if (record !== undefined) return decide(record);
      // Where there was one before, the store has lost it: what was judged stays judged.
      const fresh = freshRecord(this.schedule.text, this.#seenMs || this.#beginMs());
      const step = decide(fresh);
      return step.record === undefined ? { ...step, record: fresh } : step;
    };
    const changed = await desk.change(this.name, orFresh, { known });
    this.remember(changed.now.record);
    this.#latest = changed.now;
    tellDeclared(events, this.name, changed.step.declared, own);
    return changed;
  }

  /** Takes note of what was read. */
  remember(record: JobRecord): void {
    this.#seenMs = Math.max(this.#seenMs, record.judgedMs);
    const { schedule: theirs } = record;
    const { scheduleDiffers } = this.shared.events;
    if (theirs === this.#theirs) return;
    this.#theirs = theirs;
    if (theirs === this.schedule.text || !scheduleDiffers.hasSubscribers) return;
    scheduleDiffers.publish({ job: this.name, ours: this.schedule.text, theirs });
  }

  /** The owners of runs that are not this process's. */
  others(record: JobRecord): string[] {
    const own = this.shared.worker.tenure?.owner;
    return record.running.map(({ owner }) => owner).filter((owner) => owner !== own);
  }

  /**
   * Writes down how `run` ended; tries until it is done, as the job stands still until then.
   * `undefined`: the end of `close` came first.
   */
  async finish(run: Claimed, ending: Ending, mayClaim: boolean): Promise<Changed | undefined> {
    const { lifecycle, runtime } = this.shared;
    for (let retryMs = RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, 2 * retryMs)) {
      try {
        return await this.exclusively(() => this.#finishOnce(run, ending, mayClaim));
      } catch (error) {
        this.reportFailure("end", error, retryMs);
        const pausing = sleep(runtime, retryMs, { signal: lifecycle.signal, keepAlive: false });
        const isOver = await pausing.then(
          () => false,
          () => true,
        );
        if (isOver) return undefined;
      }
    }
  }

  /** Tells that a look or a write failed. */
  reportFailure(operation: "look" | "end", error: unknown, retryInMs: Ms): void {
    const { failed } = this.shared.events;
    if (!failed.hasSubscribers) return;
    const code = isQuorateError(error) ? error.code : "UNKNOWN";
    failed.publish({ job: this.name, operation, code, retryInMs });
  }

  /** From when on ticks count, of a job that is new to the store. */
  #beginMs(): Ms {
    return this.policy.ticks === "called" ? 0 : Math.floor(this.shared.runtime.time.wallMs());
  }

  async #finishOnce(run: Claimed, ending: Ending, mayClaim: boolean): Promise<Changed> {
    const tenure = mayClaim ? this.shared.worker.tenure : undefined;
    const claimer = tenure === undefined ? undefined : { owner: tenure.owner, by: this.shared.by };
    let isRecorded = false;
    const decide = (record: JobRecord): Step => {
      const step = end(record, run, ending, this.input(claimer));
      // Not there any more: by a write of ours whose answer was lost, or by another's.
      isRecorded = step.record !== undefined || isEnded(record, run, ending);
      return step;
    };
    // What this process wrote last is mostly still there: no need to read before writing.
    const changed = await this.change(decide, { known: this.#latest, own: run.key });
    const { ended } = this.shared.events;
    if (ended.hasSubscribers) {
      const { key, fencingToken } = run;
      const { outcome, durationMs } = ending;
      const fields = { job: this.name, key, fencingToken, outcome, durationMs };
      ended.publish({ ...fields, recorded: isRecorded });
    }
    return changed;
  }
}

function isEnded(record: JobRecord, run: Claimed, ending: Ending): boolean {
  return record.history.some(
    ({ key, attempt, outcome }) =>
      key === run.key && attempt === run.attempt && outcome === ending.outcome,
  );
}
