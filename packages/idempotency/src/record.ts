/**
 * Records: what the store keeps of a key, as text that a person can read.
 *
 *     {"v":1,"state":"completed","key":"order-7","owner":"…","attempt":1,…}
 *     {"charge":"ch_9"}
 *
 * One line of JSON, the head; after it the answer, as the codec made it, to the end. Apart, so
 * that an answer is neither escaped nor parsed twice, and a head can be judged without it.
 *
 * Records are foreign input: the head is parsed within bounds, and what does not fit is refused
 * and left as it is.
 */
import { type Entry, type FencingToken, type Ms, type QuorateError } from "@quorate/core";
import { recordInvalid } from "./errors.ts";
import { MAX_HEADER_BYTES } from "./options.ts";

/** How a run ended that has an answer; what the text after the head is. */
export type AnswerKind = "completed" | "refused" | "failed" | "unencodable";

/** An answer as it is stored. */
export interface StoredAnswer {
  readonly state: AnswerKind;
  /** As the codec made it. */
  readonly text: string;
  /** When it was made, by the wall clock of who made it. */
  readonly atMs: Ms;
}

/** What is the same in all records of one run. */
export interface RunHead {
  readonly key: string;
  readonly scope: string | undefined;
  /** "": the calls of this key are not compared. */
  readonly fingerprint: string;
  /** Random name of the run: answers "was that mine?". */
  readonly owner: string;
  readonly attempt: number;
}

/** A record, read. */
export type IdempotencyRecord = RunHead & {
  /** `undefined`: this write is the claim itself, and its revision the token. */
  readonly fencingToken: FencingToken | undefined;
} & (
    | {
        readonly state: "in-flight";
        /** How much longer than the lease the record is kept. */
        readonly graceMs: Ms;
      }
    /** The run ended without an answer: remembered, so that the next one knows of it. */
    | { readonly state: "released" }
    | StoredAnswer
  );

const VERSION = 1;
const STATES: ReadonlySet<unknown> = new Set([
  "in-flight",
  "released",
  "completed",
  "refused",
  "failed",
  "unencodable",
]);

/** The record of a run that is under way; kept for `graceMs` beyond its lease. */
export function encodeInFlight(
  head: RunHead,
  token: FencingToken | undefined,
  graceMs: Ms,
): string {
  return `${headOf("in-flight", head, token)},"graceMs":${graceMs}}\n`;
}

/** The record of a run that ended without an answer. */
export function encodeReleased(head: RunHead, token: FencingToken): string {
  return `${headOf("released", head, token)}}\n`;
}

/** The record of a run that has an answer. */
export function encodeAnswer(head: RunHead, token: FencingToken, answer: StoredAnswer): string {
  return `${headOf(answer.state, head, token)},"atMs":${answer.atMs}}\n${answer.text}`;
}

// Written by hand, field by field: this is on the path of every call, and only two are foreign.
function headOf(state: string, head: RunHead, token: FencingToken | undefined): string {
  const scope = head.scope === undefined ? "" : `,"scope":${JSON.stringify(head.scope)}`;
  const fingerprint = head.fingerprint === "" ? "" : `,"fingerprint":"${head.fingerprint}"`;
  const fencing = token === undefined ? "" : `,"token":${token}`;
  return (
    `{"v":${VERSION},"state":"${state}","key":${JSON.stringify(head.key)}${scope}${fingerprint}` +
    `,"owner":"${head.owner}","attempt":${head.attempt}${fencing}`
  );
}

/** Reads what is stored. `key` names it in the error. @throws RECORD_INVALID */
export function decodeRecord(entry: Entry, key: string): IdempotencyRecord {
  const { buffer, byteOffset, byteLength } = entry.value;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
  const end = text.indexOf("\n");
  if (end === -1) throw recordInvalid(key, "it has no head");
  if (end > MAX_HEADER_BYTES) throw recordInvalid(key, `its head is ${end} characters long`);
  return readHead(parseHead(text.slice(0, end), key), key, () => text.slice(end + 1));
}

/**
 * Without `parseJson`, which costs three times as much, on every replay: the text is bounded, none
 * of the names that are read is one of `Object.prototype`, and each value is checked to be plain.
 */
function parseHead(text: string, key: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw recordInvalid(key, "its head is not JSON");
  }
}

function readHead(head: unknown, key: string, textOf: () => string): IdempotencyRecord {
  const wrong = (field: string): QuorateError => recordInvalid(key, `its head has a bad ${field}`);
  if (typeof head !== "object" || head === null || Array.isArray(head)) throw wrong("shape");
  const fields = head as { readonly [name: string]: unknown };
  const { v, state, key: ownKey, scope, fingerprint = "", owner, attempt, token } = fields;
  if (v !== VERSION) throw wrong("version: another release of Quorate wrote it");
  if (typeof state !== "string" || !STATES.has(state)) throw wrong("state");
  if (typeof ownKey !== "string") throw wrong("key");
  if (scope !== undefined && typeof scope !== "string") throw wrong("scope");
  if (typeof fingerprint !== "string") throw wrong("fingerprint");
  if (typeof owner !== "string") throw wrong("owner");
  if (!isPosition(attempt)) throw wrong("attempt");
  if (token !== undefined && !isPosition(token)) throw wrong("token");
  const run = { key: ownKey, scope, fingerprint, owner, attempt, fencingToken: token };
  if (state === "in-flight") {
    const { graceMs } = fields;
    if (typeof graceMs !== "number" || !(graceMs >= 0)) throw wrong("graceMs");
    return inFlight(run, graceMs);
  }
  if (state === "released") return released(run);
  const { atMs } = fields;
  if (typeof atMs !== "number") throw wrong("atMs");
  return answered(state as AnswerKind, run, atMs, textOf());
}

type Run = RunHead & { readonly fencingToken: FencingToken | undefined };

// Field by field: fields added after a spread cost microseconds on Node 20.
function inFlight(run: Run, graceMs: Ms): IdempotencyRecord {
  const { key, scope, fingerprint, owner, attempt, fencingToken } = run;
  return {
    state: "in-flight",
    key,
    scope,
    fingerprint,
    owner,
    attempt,
    fencingToken,
    graceMs,
  };
}

function released(run: Run): IdempotencyRecord {
  const { key, scope, fingerprint, owner, attempt, fencingToken } = run;
  return { state: "released", key, scope, fingerprint, owner, attempt, fencingToken };
}

function answered(state: AnswerKind, run: Run, atMs: Ms, text: string): IdempotencyRecord {
  const { key, scope, fingerprint, owner, attempt, fencingToken } = run;
  return { state, key, scope, fingerprint, owner, attempt, fencingToken, atMs, text };
}

function isPosition(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** What is left of the lease of a run under way, by the store's clock when it answered. */
export function leaseLeftOf(entry: Entry, record: IdempotencyRecord): Ms {
  if (record.state !== "in-flight") return 0;
  // Without an end it never lapses; only somebody's PERSIST can have made it so.
  return (entry.expiresInMs ?? Infinity) - record.graceMs;
}
