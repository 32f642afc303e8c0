/**
 * The record of a job: one key of the store, and the only truth about its ticks.
 *
 * `judgedMs` is the heart: every tick up to it has been dealt with, and it never goes back. What is
 * due waits, is claimed into `running`, and ends in `history`, each by a compare-and-set on this
 * one record; so two processes can want the same tick, and one gets it.
 *
 * JSON that a person can read. Records are foreign input: bounded, checked field by field, and
 * what does not fit is refused and left as it is.
 */
import {
  type Entry,
  type FencingToken,
  type Json,
  type Ms,
  parseJson,
  QuorateError,
  show,
} from "@quorate/core";

/**
 * How a tick ended.
 *
 * - `done`: the handler returned. `failed`: it threw. `timed-out`: it was told to stop by
 *   `timeoutMs`, whatever it did then.
 * - `crashed`: its process died, was paused beyond its lease, or closed under it.
 * - `missed`: found later than `graceMs`, and by the policy `missed` not run.
 * - `skipped-overlap`: the run before was still under way. `skipped-paused`: the job was paused.
 */
export type Outcome = (typeof OUTCOMES)[number];

const OUTCOMES = [
  "done",
  "failed",
  "timed-out",
  "crashed",
  "missed",
  "skipped-overlap",
  "skipped-paused",
] as const;

/** A run that is to be: judged, and not claimed yet. */
export interface Pending {
  readonly key: string;
  readonly tickMs: Ms;
  /** 1 for the first. */
  readonly attempt: number;
  readonly manual: boolean;
}

/** A run that somebody has claimed. */
export interface Claimed extends Pending {
  /** Whose lease stands for it. */
  readonly owner: string;
  /** The process's own name, for people. */
  readonly by: string;
  /** The revision of the write that claimed it. */
  readonly fencingToken: FencingToken;
  readonly startedMs: Ms;
}

/** A tick that was dealt with; or a range of them. */
export interface Past {
  readonly key: string;
  readonly tickMs: Ms;
  /** Of a range: its last tick. */
  readonly throughMs: Ms | undefined;
  /** How many ticks; `undefined`: more than a thousand. */
  readonly count: number | undefined;
  readonly outcome: Outcome;
  readonly attempt: number;
  readonly manual: boolean;
  /** Who ran it, or who declared it. */
  readonly by: string;
  readonly startedMs: Ms;
  readonly durationMs: Ms;
  readonly error: string | undefined;
}

/** Who paused a job. */
export interface Paused {
  readonly by: string;
  readonly why: string;
  readonly atMs: Ms;
}

/** The whole record. */
export interface JobRecord {
  /** The schedule of the process that wrote last. */
  readonly schedule: string;
  /** Every tick up to this instant has been dealt with. Never goes back. */
  readonly judgedMs: Ms;
  readonly paused: Paused | undefined;
  /** In the order in which they are to run. */
  readonly waiting: readonly Pending[];
  readonly running: readonly Claimed[];
  /** Oldest first, bounded. */
  readonly history: readonly Past[];
  /** Since the job began. */
  readonly counts: Readonly<Record<Outcome, number>>;
}

const VERSION = 1;
/** Part of a lease's name. */
const OWNER = /^[0-9A-Za-z-]{1,64}$/;
const BOUNDS = { maxBytes: 524_288, maxDepth: 4, maxNodes: 40_000 };

/** A job that nobody has seen before: what came up to `judgedMs` is not its business. */
export function freshRecord(schedule: string, judgedMs: Ms): JobRecord {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  return {
    schedule,
    judgedMs,
    paused: undefined,
    waiting: [],
    running: [],
    history: [],
    counts: counts as Record<Outcome, number>,
  };
}

/** The token of a claim that is being written: whoever reads it puts the revision in its place. */
export const TOKEN_OF_THIS_WRITE: FencingToken = 0;

/** As text; members that are `undefined` are left out. */
export function encodeRecord(record: JobRecord): string {
  return JSON.stringify({ v: VERSION, ...record });
}

/** Reads what is stored under `key`. @throws RECORD_INVALID */
export function decodeRecord(entry: Entry): JobRecord {
  const parsed = parseJson(entry.value, BOUNDS);
  const wrong = (reason: string): QuorateError<"RECORD_INVALID"> =>
    recordInvalid(entry.key, reason);
  if (!parsed.ok) throw wrong(parsed.reason);
  const fields = new Fields(parsed.value, "the record", wrong);
  if (fields.number("v") !== VERSION) throw wrong("another release of Quorate wrote it");
  const counts = fields.inner("counts");
  return {
    schedule: fields.text("schedule"),
    judgedMs: fields.time("judgedMs"),
    paused: fields.has("paused") ? pausedOf(fields.inner("paused")) : undefined,
    waiting: fields.list("waiting", pendingOf),
    running: fields.list("running", (run) => claimedOf(run, entry.revision)),
    history: fields.list("history", pastOf),
    counts: Object.fromEntries(
      OUTCOMES.map((outcome) => [outcome, counts.number(outcome)]),
    ) as Record<Outcome, number>,
  };
}

/** RECORD_INVALID of `key`. */
export function recordInvalid(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message = `the record ${show(key)} is not a cron job's: ${reason}; it was left as it is`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

function pausedOf(paused: Fields): Paused {
  return { by: paused.text("by"), why: paused.text("why"), atMs: paused.time("atMs") };
}

function pendingOf(pending: Fields): Pending {
  return {
    key: pending.text("key"),
    tickMs: pending.time("tickMs"),
    attempt: pending.number("attempt"),
    manual: pending.flag("manual"),
  };
}

function claimedOf(run: Fields, revision: number): Claimed {
  const token = run.number("fencingToken");
  const owner = run.text("owner");
  if (!OWNER.test(owner)) throw run.wrong("owner");
  return {
    ...pendingOf(run),
    owner,
    by: run.text("by"),
    fencingToken: token === TOKEN_OF_THIS_WRITE ? revision : token,
    startedMs: run.time("startedMs"),
  };
}

function pastOf(past: Fields): Past {
  const outcome = past.text("outcome");
  const known = OUTCOMES.find((one) => one === outcome);
  if (known === undefined) throw past.wrong("outcome");
  return {
    ...pendingOf(past),
    throughMs: past.has("throughMs") ? past.time("throughMs") : undefined,
    count: past.has("count") ? past.number("count") : undefined,
    outcome: known,
    by: past.text("by"),
    startedMs: past.time("startedMs"),
    durationMs: past.number("durationMs"),
    error: past.has("error") ? past.text("error") : undefined,
  };
}

/** Members of an object that somebody else wrote. */
class Fields {
  readonly #value: { readonly [name: string]: Json };
  readonly #what: string;
  readonly #error: (reason: string) => QuorateError;

  constructor(value: Json | undefined, what: string, error: (reason: string) => QuorateError) {
    this.#what = what;
    this.#error = error;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw this.wrong("shape");
    this.#value = value as { readonly [name: string]: Json };
  }

  wrong(field: string): QuorateError {
    return this.#error(`${this.#what} has a bad ${field}`);
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#value[name];
    if (typeof value === "string") return value;
    throw this.wrong(name);
  }

  flag(name: string): boolean {
    const value = this.#value[name];
    if (typeof value === "boolean") return value;
    throw this.wrong(name);
  }

  number(name: string): number {
    const value = this.#value[name];
    if (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
    throw this.wrong(name);
  }

  /** What a `Date` can hold: beyond it a look would ask the schedule for nonsense. */
  time(name: string): Ms {
    const value = this.number(name);
    if (value <= 8.64e15) return value;
    throw this.wrong(name);
  }

  inner(name: string): Fields {
    return new Fields(this.#value[name], name, this.#error);
  }

  list<T>(name: string, read: (item: Fields) => T): T[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) throw this.wrong(name);
    return value.map((item: Json) => read(new Fields(item, `its ${name}`, this.#error)));
  }
}
