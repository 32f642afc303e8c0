/**
 * Options of a membership by leases: their defaults, and the checks before anything is sent.
 *
 * `ttlMs` is the price of a crash: so long do others take a dead member for alive. It is also how
 * long a pause may be that nobody notices, less a third: renewals come at a third of it.
 */
import {
  boolean,
  checkName,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  ttl,
} from "@quorate/core";
import { checkStanding, type Standing } from "./standing.ts";

/** Shortest lease of a member: below it the first garbage collection costs the membership. */
export const MIN_MEMBER_TTL_MS = 100;
/** Lease of a member that names none. */
export const DEFAULT_MEMBER_TTL_MS = 10_000;

const DEFAULT_FORGET_AFTER_MS = 60_000;
/** TTLs in which the lease of a life that crashed is surely over. */
const CONFLICT_TTLS = 2;
const MAX_ADDRESS_BYTES = 1_024;

/** Options of `createLeaseMembership`. */
export interface LeaseMembershipOptions {
  /** The group's name: segments joined by `/`. */
  readonly group: string;
  /** This member's name, one segment, unique in the group. @default none: it only looks on */
  readonly id?: string;
  /** Where it is reached. @default "" */
  readonly address?: string;
  /** What it says of itself; with the address 4 KiB less some bytes. No secrets. @default "" */
  readonly data?: string;
  /** Length of its lease, at least 100: what a crash costs. @default 10000 */
  readonly ttlMs?: Ms;
  /**
   * How long its name may be held by another before `ready` rejects with `MEMBER_CONFLICT`. 0: at
   * once. Shorter than a TTL, a member that crashed and is back at once is refused by the lease
   * of its own former life. @default 2 * ttlMs
   */
  readonly conflictWaitMs?: Ms;
  /** How long a member that is gone stays in the list. @default 60000 */
  readonly forgetAfterMs?: Ms;
  /**
   * Whether it hears of the others. A member that only wants to be seen spares the store a watch:
   * its list is itself, and always stale. @default true
   */
  readonly watches?: boolean;
}

/** The options, checked and filled in. */
export interface CheckedLeaseMembershipOptions {
  readonly group: string;
  /** What the names of all leases of the group begin with. */
  readonly prefix: string;
  readonly self: { readonly id: string; readonly standing: Standing } | undefined;
  readonly ttlMs: Ms;
  readonly conflictWaitMs: Ms;
  readonly forgetAfterMs: Ms;
  readonly watches: boolean;
}

const NAMES = [
  "group",
  "id",
  "address",
  "data",
  "ttlMs",
  "conflictWaitMs",
  "forgetAfterMs",
  "watches",
] as const;

/** Checks the options. */
export function checkLeaseMembershipOptions(
  options: LeaseMembershipOptions,
): CheckedLeaseMembershipOptions {
  knownOptions("options", options, NAMES);
  const { group, id } = options;
  const prefix = `member/${checkName("group", group)}/`;
  const ttlMs = ttl("ttlMs", options.ttlMs ?? DEFAULT_MEMBER_TTL_MS, MIN_MEMBER_TTL_MS);
  return {
    group,
    prefix,
    self: id === undefined ? onlooker(options) : { id: checkId(id, prefix), ...standing(options) },
    ttlMs,
    conflictWaitMs: checkWait(options.conflictWaitMs ?? CONFLICT_TTLS * ttlMs),
    forgetAfterMs: positive("forgetAfterMs", options.forgetAfterMs ?? DEFAULT_FORGET_AFTER_MS),
    watches: checkWatches(options),
  };
}

/** What a member says of itself from now on. */
export function checkData(data: string): string {
  if (typeof data === "string" && data.isWellFormed()) return data;
  throw invalidArgument("data", data, "a well-formed string");
}

function checkId(id: string, prefix: string): string {
  if (typeof id !== "string" || id.includes("/")) {
    throw invalidArgument("id", id, "one segment of a name, without '/'");
  }
  checkName("id", id);
  checkName("group with id", `${prefix}${id}`);
  return id;
}

function standing(options: LeaseMembershipOptions): { readonly standing: Standing } {
  const { address = "" } = options;
  const isText = typeof address === "string" && address.isWellFormed();
  if (!isText || Buffer.byteLength(address) > MAX_ADDRESS_BYTES) {
    const expected = `a well-formed string of at most ${MAX_ADDRESS_BYTES} bytes`;
    throw invalidArgument("address", address, expected);
  }
  return { standing: checkStanding({ address, data: checkData(options.data ?? "") }) };
}

function onlooker({ address, data }: LeaseMembershipOptions): undefined {
  const said = address === undefined ? data : address;
  if (said === undefined) return undefined;
  throw invalidArgument("id", undefined, "given: one who says something of itself is a member");
}

function checkWatches({ id, watches = true }: LeaseMembershipOptions): boolean {
  if (boolean("watches", watches) || id !== undefined) return watches;
  throw invalidArgument("watches", watches, "true where there is no id: it would do nothing");
}

/** Waiting for ever is legal, and must be asked for: `Infinity`. */
function checkWait(waitMs: Ms): Ms {
  return waitMs === Infinity ? waitMs : nonNegative("conflictWaitMs", waitMs);
}
