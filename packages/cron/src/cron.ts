/**
 * Cron: jobs that run once per tick over the whole fleet, or are declared missed.
 *
 * Every process of a service schedules the same jobs. When a tick is due, all of them look at the
 * job's record, and the first to move it on by compare-and-set has the tick. No process leads, so
 * none has to be elected, and a deploy hands nothing over.
 *
 * Guarantees, whatever the skew of the processes' clocks: a tick is claimed once, or declared
 * missed or skipped; a job of 1 ms is not run again by a clock that is behind; a clock that is set
 * back runs nothing again. A run whose process dies is noticed within the lease, and by `onCrash`
 * run again with the same key and a greater fencing token.
 *
 * Does not guarantee: that a run which was paused beyond its lease stops before it writes; check
 * its token where it writes. Nor that clocks are right: where one is an hour ahead, its process
 * judges the next hour's ticks early, and the others then wait for them to pass.
 */
import type { Backend, FencingToken, Ms } from "@quorate/core";
import type { TickClaim } from "./called-job.ts";
import type { JobOptions } from "./options.ts";
import type { Outcome } from "./record.ts";
import type { JobHandler } from "./run.ts";
import type { ScheduleInput } from "./schedule.ts";

/** A tick that was dealt with: run, or declared. */
export interface PastRun {
  /** Names the tick; of a range: the first. */
  readonly key: string;
  /** The scheduled instant. */
  readonly tick: Date;
  /** Of ticks that were declared together: the last. */
  readonly through?: Date;
  /** How many ticks; absent: more than a thousand. */
  readonly count?: number;
  readonly outcome: Outcome;
  readonly attempt: number;
  readonly manual: boolean;
  /** The process that ran it, or that declared it. */
  readonly by: string;
  /** By the wall clock of that process. */
  readonly startedAt: Date;
  readonly durationMs: Ms;
  /** Of what was thrown: the message, at most 300 characters, credentials struck out. */
  readonly error?: string;
}

/** A run under way. */
export interface CurrentRun {
  readonly key: string;
  readonly tick: Date;
  readonly attempt: number;
  readonly manual: boolean;
  readonly by: string;
  readonly fencingToken: FencingToken;
  readonly startedAt: Date;
}

/** A job as the store knows it. */
export interface JobState {
  readonly name: string;
  /** Of the process that wrote last. */
  readonly schedule: string;
  /** Of this process; absent: it does not run the job. Another text: a deploy is under way. */
  readonly ownSchedule?: string;
  /** Every tick up to this instant has been dealt with. */
  readonly judgedUntil: Date;
  /** The next tick by this process's schedule; absent: paused, none, or not this process's. */
  readonly next?: Date;
  readonly paused?: { readonly by: string; readonly why: string; readonly at: Date };
  readonly running: readonly CurrentRun[];
  /** Runs that wait for their turn. */
  readonly waiting: number;
  /** Ticks by outcome, since the job began. */
  readonly counts: Readonly<Record<Outcome, number>>;
}

/** Who does something by hand, for the record. */
export interface ByHand {
  readonly by: string;
  readonly why: string;
}

/** Bounds of a question to the store. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of `trigger`. */
export interface TriggerOptions {
  /**
   * Names this run: asked again with the same id, while the record remembers it, it is the same
   * run. 1 to 64 characters of `[0-9A-Za-z_-]`. @default a random one
   */
  readonly id?: string;
}

/** What `trigger` says. */
export interface Triggered {
  /** The run's key. */
  readonly key: string;
}

/** A job that this process takes part in. */
export interface Job {
  readonly name: string;
  /** The schedule's text, with its zone. */
  readonly schedule: string;
  /** The first tick after `after` by the schedule alone. @default after now, by this wall clock */
  next(after?: Date): Date | undefined;
  /** This process takes no more ticks of it; the others go on. What runs here goes on, too. */
  stop(): void;
}

/** Scheduled jobs of one backend. */
export interface Cron extends AsyncDisposable {
  /** The engine that it runs on. */
  readonly backend: Backend;

  /**
   * Takes part in the job `name`: from now on this process, or another of the fleet, runs `handler`
   * once per tick. Returns at once; the store is asked in the background, again and again where it
   * does not answer. The process stays alive for it until `close`.
   *
   * What the handler throws is recorded as `failed` and not tried again: wrap it in a policy of
   * `@quorate/resilience` if it should be. The first process ever to schedule a name begins it:
   * ticks before are nobody's.
   *
   * @throws INVALID_ARGUMENT the name is in use here, the schedule is none, or an option is wrong.
   * @throws CLOSED after `close`.
   */
  schedule(name: string, when: ScheduleInput, handler: JobHandler, options?: JobOptions): Job;

  /**
   * Claims one tick for a caller who has timers of its own; `undefined`: another has it, or a later
   * one was claimed already. `node-cron` and others are connected by it: see `runCoordinator` and
   * `oncePerTick`. End the claim by `claim.end()`. Nothing is retried after a crash.
   *
   * @throws the store's error: then the tick is not this process's, as far as it knows.
   */
  claimTick(name: string, tick: Date): Promise<TickClaim | undefined>;

  /**
   * No more ticks of `name`, in the whole fleet, until `resume`: those that wait are skipped, what
   * runs ends by itself, `trigger` still works. Ticks that come due meanwhile are skipped, not
   * missed. Pausing what is paused changes nothing.
   */
  pause(name: string, options: ByHand): Promise<void>;

  /** Ticks again, from the next one on. */
  resume(name: string): Promise<void>;

  /**
   * Runs `name` now, once over the fleet, paused or not, under a key of its own; after what runs,
   * unless runs may overlap. Where this process does not schedule the job, those that do are told
   * over the bus; if that is lost, one of them finds it within half a minute.
   *
   * @throws INVALID_ARGUMENT nobody has ever scheduled it.
   * @throws OVERLOADED too many wait already. Effect `none`.
   */
  trigger(name: string, options?: TriggerOptions): Promise<Triggered>;

  /** The last runs of `name` and what was declared, newest first; at most `historyLimit`. */
  history(name: string, options?: AskOptions): Promise<readonly PastRun[]>;

  /** When this process expects the next tick of `name`; `undefined`: paused, or none. */
  next(name: string, options?: AskOptions): Promise<Date | undefined>;

  /** All jobs, of whatever process, that the store knows, in the order of their names. */
  list(options?: AskOptions): AsyncIterable<JobState>;

  /**
   * Takes no more ticks, waits up to `graceMs` for the runs of this process, then aborts their
   * signals (CLOSED), gives those that do not end another second, and writes them down as crashed:
   * by `onCrash` another process runs them, at once if it hears of it. Last, the lease is given
   * back. Close it before what the handlers use, and before the backend. @default graceMs 10000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}
