/**
 * The record of one lease name: who holds, who waits, and the highest token ever granted.
 *
 * All that there is to know about a name lies in one value, so one conditional write decides
 * everything at once: a release and the grant that it hands over, an expiry and its take-over.
 *
 * Tokens. A write over a record at revision R gives its grants `max(last + 1, R + 1)` and up, spelt
 * out. A write that brings the record into being cannot know its revision: its grants are stored
 * with token 0, and every reader fills in the record's created revision C and up (not the revision
 * of the last write: an engine may write a record again, as it is, to keep a straggler out). Proof
 * that tokens of a name strictly grow: while the record lives each is above `last`, and `last` is
 * the highest so far. It is deleted only at a revision R >= `last`; revisions of a key never go
 * back, not over deletion either, so the next record has C > R >= `last`.
 *
 * Does not trust what it reads: a value that is not such a record is refused, and left as it is.
 */
import { QuorateError } from "../errors/quorate-error.ts";
import { type Json, parseJson } from "../json.ts";
import type { FencingToken, Ms, Revision } from "../waist/common.ts";
import type { Entry } from "../waist/kv.ts";

/** What a claim asks for, in line or holding. */
export interface Claim {
  readonly owner: string;
  /** Which process stands behind it: its silence speaks for all its claims. */
  readonly process: string;
  readonly weight: number;
  readonly capacity: number;
  readonly ttlMs: Ms;
  readonly fair: boolean;
  readonly data: string | undefined;
}

/** A claim that was granted. */
export interface Holder extends Claim {
  /** 0 where the record's created revision is still to say. */
  readonly token: FencingToken;
  /** Grows with each renewal. Silence is measured from the beat that was seen last. */
  readonly beat: number;
  /** For how long the writer of this record had seen no other beat: observation is handed on. */
  readonly idleMs: Ms;
  /** False until the grantee has taken note; until then the grant lasts a claim window only. */
  readonly confirmed: boolean;
}

/** A claim that stands in line. */
export interface Waiter extends Claim {
  /** Number of the roll call that its process has not answered; 0: none. */
  readonly asked: number;
  /** It did not take its turn: others go first until its process answers. */
  readonly skipped: boolean;
}

/** What is stored under a name. Maps are by owner, in order of tokens and of arrival. */
export interface LeaseRecord {
  readonly last: FencingToken;
  readonly holders: ReadonlyMap<string, Holder>;
  readonly line: ReadonlyMap<string, Waiter>;
  /** Tokens that expired lately, so that a watcher can tell expiry from release. */
  readonly expired: readonly FencingToken[];
  /** How many roll calls there were. */
  readonly rolls: number;
}

/** A name that nobody holds or waits for. */
export const FREE: LeaseRecord = {
  last: 0,
  holders: new Map(),
  line: new Map(),
  expired: [],
  rolls: 0,
};

/** How many expired tokens a record remembers. */
export const EXPIRED_KEPT = 8;

const UNCONFIRMED = 1;
const UNFAIR = 2;
const SKIPPED = 4;
const FORMAT = 1;
const BOUNDS = { maxBytes: 1_048_576, maxDepth: 3, maxNodes: 100_000 };

/** True when nobody holds and nobody waits. */
export function isFree(record: LeaseRecord): boolean {
  return record.holders.size === 0 && record.line.size === 0;
}

/** Fills in the tokens of new grants: above every one before, and not below `floor`. */
export function withTokens(record: LeaseRecord, floor: Revision): LeaseRecord {
  let next = Math.max(record.last + 1, floor);
  let { last } = record;
  let holders: Map<string, Holder> | undefined;
  for (const holder of record.holders.values()) {
    if (holder.token !== 0) continue;
    holders ??= new Map(record.holders);
    holders.set(holder.owner, { ...holder, token: next });
    last = next;
    next += 1;
  }
  return holders === undefined ? record : { ...record, last, holders };
}

/** The bytes of `record`. `idleMs` says for how long a holder's beat has been seen unchanged. */
export function encodeRecord(record: LeaseRecord, idleMs: (holder: Holder) => Ms): string {
  const processes: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (process: string): number => {
    const known = numbers.get(process) ?? processes.push(process) - 1;
    numbers.set(process, known);
    return known;
  };
  const claim = (of: Claim, flags: number): (string | number)[] => {
    const fairness = of.fair ? 0 : UNFAIR;
    return [of.owner, numberOf(of.process), of.weight, of.capacity, of.ttlMs, flags | fairness];
  };
  const holders = [...record.holders.values()].map((holder) => [
    ...claim(holder, holder.confirmed ? 0 : UNCONFIRMED),
    holder.token,
    holder.beat,
    holder.token === 0 ? 0 : Math.floor(idleMs(holder)),
    ...(holder.data === undefined ? [] : [holder.data]),
  ]);
  const line = [...record.line.values()].map((waiter) => [
    ...claim(waiter, waiter.skipped ? SKIPPED : 0),
    waiter.asked,
    ...(waiter.data === undefined ? [] : [waiter.data]),
  ]);
  const { last, expired, rolls } = record;
  return JSON.stringify({ lease: FORMAT, last, rolls, expired, processes, holders, line });
}

/**
 * Reads a record, with its tokens filled in.
 *
 * @throws RECORD_INVALID it is not one of ours, or damaged.
 */
export function decodeRecord(entry: Entry): LeaseRecord {
  const parsed = parseJson(entry.value, BOUNDS);
  if (!parsed.ok) throw invalidRecord(entry.key, parsed.reason);
  const record = readRecord(parsed.value);
  if (record === undefined) throw invalidRecord(entry.key, "not a lease record of this version");
  return withTokens(record, entry.createdRevision);
}

function invalidRecord(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const cure = "it was left as it is: remove it by hand if nothing else owns it";
  const message = `the record of lease ${JSON.stringify(key)} is unreadable (${reason}); ${cure}`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

function readRecord(value: Json): LeaseRecord | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { lease, last, rolls, expired, processes, holders, line } = value as Record<string, Json>;
  if (lease !== FORMAT || !isCount(last) || !isCount(rolls)) return undefined;
  if (!Array.isArray(expired) || !expired.every(isCount)) return undefined;
  if (!Array.isArray(processes) || !processes.every((name) => typeof name === "string")) {
    return undefined;
  }
  const held = readAll(holders, processes, readHolder);
  const waiting = readAll(line, processes, readWaiter);
  if (held === undefined || waiting === undefined) return undefined;
  return { last, rolls, expired, holders: held, line: waiting };
}

/** Reads one claim of a list; `undefined` if it is not one. */
type ReadClaim<T> = (fields: readonly Json[], processes: readonly string[]) => T | undefined;

/** All claims of a list by owner; `undefined` if one is not readable. */
function readAll<T extends Claim>(
  list: Json | undefined,
  processes: readonly string[],
  read: ReadClaim<T>,
): Map<string, T> | undefined {
  if (!Array.isArray(list)) return undefined;
  const claims = new Map<string, T>();
  for (const fields of list as readonly Json[]) {
    const claim = Array.isArray(fields) ? read(fields, processes) : undefined;
    if (claim === undefined) return undefined;
    claims.set(claim.owner, claim);
  }
  return claims;
}

// Written out field by field: a record of a long line is read at each step of it, and spreading
// half-made objects took most of that time.

function readHolder(fields: readonly Json[], processes: readonly string[]): Holder | undefined {
  const [owner, number, weight, capacity, ttlMs, flags, token, beat, idleMs, data] = fields;
  const process = isCount(number) ? processes[number] : undefined;
  if (typeof owner !== "string" || process === undefined || !isData(data)) return undefined;
  if (!isCount(weight) || !isCount(capacity) || !isCount(ttlMs) || !isCount(flags))
    return undefined;
  if (!isCount(token) || !isCount(beat) || !isCount(idleMs)) return undefined;
  const fair = (flags & UNFAIR) === 0;
  const confirmed = (flags & UNCONFIRMED) === 0;
  return { owner, process, weight, capacity, ttlMs, fair, data, token, beat, idleMs, confirmed };
}

function readWaiter(fields: readonly Json[], processes: readonly string[]): Waiter | undefined {
  const [owner, number, weight, capacity, ttlMs, flags, asked, data] = fields;
  const process = isCount(number) ? processes[number] : undefined;
  if (typeof owner !== "string" || process === undefined || !isData(data)) return undefined;
  if (!isCount(weight) || !isCount(capacity) || !isCount(ttlMs) || !isCount(flags))
    return undefined;
  if (!isCount(asked)) return undefined;
  const fair = (flags & UNFAIR) === 0;
  const skipped = (flags & SKIPPED) !== 0;
  return { owner, process, weight, capacity, ttlMs, fair, data, asked, skipped };
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isData(value: Json | undefined): value is string | undefined {
  return value === undefined || typeof value === "string";
}
