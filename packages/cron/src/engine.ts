/**
 * The engine behind `createCron`: keeps the jobs of this process, does what is asked by hand,
 * closes.
 */
import {
  type Backend,
  boundedString,
  callable,
  invalidArgument,
  knownOptions,
  Lifecycle,
  type Ms,
  nonNegative,
  QuorateError,
  show,
} from "@quorate/core";
import { CalledJob, type TickClaim } from "./called-job.ts";
import type {
  AskOptions,
  ByHand,
  Cron,
  Job,
  JobState,
  PastRun,
  Triggered,
  TriggerOptions,
} from "./cron.ts";
import { Desk } from "./desk.ts";
import { cronEvents } from "./events.ts";
import { JobBase } from "./job-base.ts";
import { isClaimable, pause, resume, type Step, trigger } from "./machine.ts";
import { Nudges } from "./nudges.ts";
import {
  type CheckedCronOptions,
  type CheckedPolicy,
  checkCronOptions,
  checkJobName,
  checkJobOptions,
  type CronOptions,
  type JobOptions,
  MAX_HISTORY,
  policyOf,
} from "./options.ts";
import { Owners } from "./owners.ts";
import type { JobRecord } from "./record.ts";
import { RunLedger } from "./run-ledger.ts";
import { CLOSE_STOP_MS, type JobHandler } from "./run.ts";
import { parseSchedule, type Schedule, type ScheduleInput } from "./schedule.ts";
import { ScheduledJob } from "./scheduled-job.ts";
import type { Shared } from "./shared.ts";
import { jobState, pastRun } from "./views.ts";
import { Worker } from "./worker.ts";

const DEFAULT_GRACE_MS = 10_000;
const MAX_WORDS_BYTES = 200;
const RUN_ID = /^[0-9A-Za-z_-]{1,64}$/;

/** Of a job whose ticks are none of this process's business. */
const NO_SCHEDULE: Schedule = { text: "by call", next: () => undefined };

/**
 * Scheduled jobs on `backend`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { createCron } from "@quorate/cron";
 * import { memoryBackend } from "@quorate/memory";
 * const cron = createCron(memoryBackend(), { name: "pod-7" });
 * cron.schedule("nightly", "0 3 * * *", async (run) => {
 *   for (const invoice of ["i-1", "i-2"]) {
 *     run.check(); // Throws if this run should stop.
 *     console.log(run.key, run.fencingToken, invoice);
 *   }
 * }, { timeZone: "Europe/Berlin", missed: "once" });
 * await cron.close();
 */
export function createCron(backend: Backend, options: CronOptions = {}): Cron {
  const isBackend = typeof backend?.kv?.put === "function" && backend.leases !== undefined;
  if (isBackend) return new CronEngine(backend, checkCronOptions(options));
  throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
}

class CronEngine implements Cron {
  readonly backend: Backend;
  readonly #options: CheckedCronOptions;
  readonly #shared: Shared;
  readonly #scheduled = new Map<string, ScheduledJob>();
  /** Also those that were stopped and still have runs. */
  readonly #jobs = new Set<ScheduledJob>();
  readonly #called = new Map<string, CalledJob>();

  constructor(backend: Backend, options: CheckedCronOptions) {
    this.backend = backend;
    this.#options = options;
    const { runtime } = backend;
    const { collection, leaseMs } = options;
    const by = options.name ?? runtime.ids.operation();
    const worker = new Worker(backend, { collection, leaseMs, label: by });
    this.#shared = {
      backend,
      runtime,
      desk: new Desk(backend, collection),
      worker,
      owners: new Owners(worker.locks, runtime.time),
      events: cronEvents(runtime.events),
      lifecycle: new Lifecycle("the cron", runtime),
      ledger: new RunLedger(),
      nudges: new Nudges(backend, collection, (job) => this.#scheduled.get(job)?.nudged()),
      by,
    };
  }

  schedule(name: string, when: ScheduleInput, handler: JobHandler, options?: JobOptions): Job {
    checkJobName(name);
    callable("handler", handler);
    const checked = checkJobOptions(options, this.#options.defaults);
    const schedule = parseSchedule(when, checked.timeZone);
    this.#shared.lifecycle.assertOpen();
    this.#assertFree(name, this.#called);
    this.#assertFree(name, this.#scheduled);
    const { time } = this.#shared.runtime;
    const policy = policyOf(checked, schedule, time.wallMs());
    const job = new ScheduledJob(this.#shared, { name, schedule, policy, handler });
    this.#scheduled.set(name, job);
    this.#jobs.add(job);
    job.start();
    this.#shared.nudges.follow(this.#shared.lifecycle.stopping);
    return {
      name,
      schedule: schedule.text,
      next: (after) => dateOf(schedule.next(after?.getTime() ?? time.wallMs())),
      stop: () => {
        job.stop();
        if (this.#scheduled.get(name) === job) this.#scheduled.delete(name);
        void job.idle().then(() => this.#jobs.delete(job));
      },
    };
  }

  async claimTick(name: string, tick: Date): Promise<TickClaim | undefined> {
    checkJobName(name);
    this.#shared.lifecycle.assertOpen();
    this.#assertFree(name, this.#scheduled);
    let job = this.#called.get(name);
    if (job === undefined) {
      const policy: CheckedPolicy = {
        ...this.#policy("called"),
        overlap: "allow",
        onCrash: "skip",
      };
      job = new CalledJob(this.#shared, { name, schedule: NO_SCHEDULE, policy });
      this.#called.set(name, job);
    }
    return this.#shared.lifecycle.track(job.claim(tick));
  }

  async pause(name: string, options: ByHand): Promise<void> {
    knownOptions("options", options, ["by", "why"]);
    const by = boundedString("by", options.by, MAX_WORDS_BYTES);
    const why = boundedString("why", options.why, MAX_WORDS_BYTES);
    const atMs = Math.floor(this.#shared.runtime.time.wallMs());
    await this.#change(name, (record, job) =>
      pause(record, { by, why, atMs }, job.input(undefined)),
    );
  }

  async resume(name: string): Promise<void> {
    await this.#change(name, (record, job) => resume(record, job.input(undefined)));
  }

  async trigger(name: string, options: TriggerOptions = {}): Promise<Triggered> {
    knownOptions("options", options, ["id"]);
    const { id = this.#shared.runtime.ids.operation() } = options;
    if (typeof id !== "string" || !RUN_ID.test(id)) {
      throw invalidArgument("id", id, "1 to 64 characters of [0-9A-Za-z_-]");
    }
    const key = `${checkJobName(name)}@manual-${id}`;
    // The lease first: what a write claims must be somebody's.
    const claimer = this.#scheduled.has(name) ? await this.#claimer() : undefined;
    const answer = await this.#change(name, (record, job) =>
      trigger(record, key, job.input(claimer)),
    );
    if (answer === "full") throw fullError(name);
    return { key };
  }

  async history(name: string, options: AskOptions = {}): Promise<readonly PastRun[]> {
    const found = await this.#read(name, options);
    return (found?.record.history ?? []).map(pastRun).toReversed();
  }

  async next(name: string, options: AskOptions = {}): Promise<Date | undefined> {
    const found = await this.#read(name, options);
    return this.#nextOf(name, found?.record);
  }

  async *list(options: AskOptions = {}): AsyncGenerator<JobState, void, void> {
    knownOptions("options", options, ["signal"]);
    this.#shared.lifecycle.assertOpen();
    for await (const { job, found } of this.#shared.desk.list(options)) {
      const own = this.#scheduled.get(job)?.schedule.text;
      const next = this.#nextOf(job, found.record);
      yield jobState(job, found.record, {
        ...(own === undefined ? {} : { ownSchedule: own }),
        ...(next === undefined ? {} : { next }),
      });
    }
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    const { lifecycle, worker } = this.#shared;
    const jobs = [...this.#jobs];
    for (const job of jobs) job.stop();
    return lifecycle.close(graceMs, async () => {
      // Told after the grace; by then most have ended, and what has not is given a second.
      await Promise.all(jobs.map((job) => job.abandon(lifecycle.closedError())));
      await worker.locks.close({ graceMs: CLOSE_STOP_MS });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #claimer(): Promise<{ readonly owner: string; readonly by: string }> {
    this.#shared.lifecycle.assertOpen();
    const { owner } = await this.#shared.worker.hold();
    return { owner, by: this.#shared.by };
  }

  async #read(name: string, options: AskOptions): ReturnType<Desk["read"]> {
    checkJobName(name);
    knownOptions("options", options, ["signal"]);
    this.#shared.lifecycle.assertOpen();
    return this.#shared.desk.read(name, options);
  }

  #nextOf(name: string, record: JobRecord | undefined): Date | undefined {
    const job = this.#scheduled.get(name);
    if (job === undefined || record?.paused !== undefined) return undefined;
    const nowMs = this.#shared.runtime.time.wallMs();
    return dateOf(job.schedule.next(Math.max(nowMs, record?.judgedMs ?? 0)));
  }

  /** A change by hand, of a job of this process or of others'. */
  async #change<T extends Step | "full">(
    name: string,
    decide: (record: JobRecord, job: JobBase) => T,
  ): Promise<T | undefined> {
    checkJobName(name);
    const { lifecycle, desk } = this.#shared;
    lifecycle.assertOpen();
    const own = this.#scheduled.get(name);
    if (own !== undefined) return lifecycle.track(own.byHand(decide));
    const known = await desk.read(name);
    if (known === undefined) throw invalidArgument("name", name, "a job that was ever scheduled");
    const { record } = known;
    // As the others have it; their limits are not known here, so nothing is cut.
    const schedule = { text: record.schedule, next: NO_SCHEDULE.next };
    const policy = { ...this.#policy("called"), historyLimit: MAX_HISTORY };
    const foreign = new JobBase(this.#shared, { name, schedule, policy });
    let answer: T | undefined;
    const changed = await foreign.change(
      (now) => {
        answer = decide(now, foreign);
        return answer === "full" ? { record: undefined, declared: [] } : answer;
      },
      { known },
    );
    if (isClaimable(changed.now.record)) this.#shared.nudges.tell(name);
    return answer;
  }

  #policy(ticks: CheckedPolicy["ticks"]): CheckedPolicy {
    return policyOf(this.#options.defaults, NO_SCHEDULE, 0, ticks);
  }

  #assertFree(name: string, jobs: ReadonlyMap<string, unknown>): void {
    if (jobs.has(name)) throw invalidArgument("name", name, "free: it is in use in this process");
  }
}

function dateOf(ms: Ms | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

function fullError(name: string): QuorateError<"OVERLOADED"> {
  const reason = "as many runs wait already as the record may hold";
  const message = `${show(name)} was not triggered: ${reason}; wait until some have ended`;
  return new QuorateError("OVERLOADED", message, { effect: "none", details: { reason } });
}
