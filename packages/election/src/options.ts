/**
 * Options of elections: their defaults, and the checks before anything is sent.
 *
 * `ttlMs` of 10 s: renewal starts at a third, so a renewal can fail for six seconds before the term
 * is lost. The price is that a crashed leader leaves the others without one for up to 10 s. A
 * graceful one costs them nothing: `close()` it.
 */
import {
  boundedString,
  checkName,
  invalidArgument,
  type Json,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  type Runtime,
  ttl,
} from "@quorate/core";
import { checkJson, encodeStanding, type Standing } from "./record.ts";

/** Shortest lease of a leader: below it the first garbage collection costs the term. */
export const MIN_ELECTION_TTL_MS = 100;
/** Lease of a leader that names none. */
export const DEFAULT_ELECTION_TTL_MS = 10_000;
/** Time for the work to end when it is told to stop, where no other is named. */
export const DEFAULT_RESIGN_WITHIN_MS = 30_000;

const MAX_CANDIDATE_BYTES = 256;
/** TTLs that a leader may lead, by default, before it hands over to the preferred candidate. */
const TERM_TTLS = 3;

/** Options of `createElection`. */
export interface ElectionOptions {
  /** This candidate's name, unique in its election, 1 to 256 bytes. @default a random one */
  readonly candidate?: string;
  /** Shown to observers while it leads: JSON, with the name at most 4 KiB. No secrets. */
  readonly value?: Json;
  /** Length of the lease, at least 100: what a leader that crashes costs. @default 10000 */
  readonly ttlMs?: Ms;
  /**
   * After a leader that was lost (not one that resigned) the next one's work begins this long
   * after its own election, so that what the old one still does can end. All candidates of an
   * election must say the same. @default 0
   */
  readonly lockDelayMs?: Ms;
  /** Name of the candidate that shall lead when it can; others hand over to it. @default none */
  readonly preferred?: string;
  /** Shortest term before handing over to `preferred`: no flapping. @default 3 * ttlMs */
  readonly minTermMs?: Ms;
  /** Time for the work to end when it is told to stop. @default 30000 */
  readonly resignWithinMs?: Ms;
}

/** How to lead. */
export interface LeadOptions {
  /** Ends it: the work is told to stop, and the leadership given back. */
  readonly signal?: AbortSignal | undefined;
}

/** How to campaign. */
export interface CampaignOptions {
  /** Ends the wait: it rejects with the signal's reason. It is nothing to the term after it. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait. @default Infinity */
  readonly waitMs?: Ms;
}

/** A bound on the work's end. */
export interface WithinOptions {
  /** @default the election's `resignWithinMs` */
  readonly withinMs?: Ms;
}

/** The options of an election, checked and filled in. */
export interface CheckedElectionOptions {
  readonly standing: Standing;
  readonly label: string;
  readonly ttlMs: Ms;
  readonly lockDelayMs: Ms;
  readonly preferred: string | undefined;
  readonly minTermMs: Ms;
  readonly resignWithinMs: Ms;
}

const NAMES = [
  "candidate",
  "value",
  "ttlMs",
  "lockDelayMs",
  "preferred",
  "minTermMs",
  "resignWithinMs",
] as const;

/** The lock key, fence resource and bus subject of an election. */
export function keyOf(name: string): string {
  checkName("name", name);
  const key = `election/${name}`;
  checkName("name with its prefix", `lock/${key}`);
  return key;
}

/** Checks the options of an election. */
export function checkElectionOptions(
  options: ElectionOptions,
  runtime: Runtime,
): CheckedElectionOptions {
  knownOptions("options", options, NAMES);
  const { preferred, value } = options;
  const standing: Standing = {
    candidate: checkCandidate("candidate", options.candidate ?? runtime.ids.unique()),
    value: value === undefined ? undefined : checkJson(value),
  };
  const ttlMs = ttl("ttlMs", options.ttlMs ?? DEFAULT_ELECTION_TTL_MS, MIN_ELECTION_TTL_MS);
  return {
    standing,
    label: encodeStanding(standing),
    ttlMs,
    lockDelayMs: nonNegative("lockDelayMs", options.lockDelayMs ?? 0),
    preferred: preferred === undefined ? undefined : checkCandidate("preferred", preferred),
    minTermMs: nonNegative("minTermMs", options.minTermMs ?? TERM_TTLS * ttlMs),
    resignWithinMs: nonNegative(
      "resignWithinMs",
      options.resignWithinMs ?? DEFAULT_RESIGN_WITHIN_MS,
    ),
  };
}

/** A candidate's name, checked. */
export function checkCandidate(option: string, name: string): string {
  return boundedString(option, name, MAX_CANDIDATE_BYTES);
}

/** A caller's signal, checked. */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidArgument("signal", signal, "an AbortSignal");
}

/** A wait that may be without an end. */
export function checkWait(waitMs: Ms | undefined): Ms {
  return waitMs === undefined || waitMs === Infinity ? Infinity : nonNegative("waitMs", waitMs);
}

/** A bound on the work's end, or the election's own. */
export function checkWithin(options: WithinOptions, standardMs: Ms): Ms {
  knownOptions("options", options, ["withinMs"]);
  return options.withinMs === undefined ? standardMs : positive("withinMs", options.withinMs);
}
