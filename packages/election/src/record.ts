/**
 * What a candidate says of itself: the label of its lease, and the record of its term.
 *
 * The label (candidate and value) comes into the store with the claim, so a leader is never without
 * its value. What is published later goes into a record in the kv, fenced by the term. Both are
 * read as what strangers wrote: bounded, and anything odd counts as not there.
 */
import {
  type FencingToken,
  invalidArgument,
  type Json,
  MAX_LEASE_DATA_BYTES,
  type Ms,
  parseJson,
  QuorateError,
} from "@quorate/core";

/** Longest record, in bytes: a published value and what is around it. */
const MAX_RECORD_BYTES = 2 * MAX_LEASE_DATA_BYTES;

/** The name of a candidate that cannot be read: somebody else took the lease. */
export const UNKNOWN_CANDIDATE = "?";

/** A candidate as its label tells of it. */
export interface Standing {
  readonly candidate: string;
  readonly value: Json | undefined;
}

/** One term as its leader recorded it. */
export interface TermRecord {
  readonly term: FencingToken;
  /** `ended`: its work had ended before its leadership did. */
  readonly state: "leading" | "ended";
  /** When the work began, on its leader's wall clock. For people. */
  readonly sinceMs: Ms;
  /** The value published last; absent: none since the campaign. */
  readonly published?: { readonly value: Json };
}

/** The label. @throws INVALID_ARGUMENT the value is not JSON; TOO_LARGE it is over 4 KiB. */
export function encodeStanding({ candidate, value }: Standing): string {
  const label = encoded({ v: 1, candidate, ...(value === undefined ? {} : { value }) });
  const size = Buffer.byteLength(label);
  if (size <= MAX_LEASE_DATA_BYTES) return label;
  const details = { option: "value", size, limit: MAX_LEASE_DATA_BYTES };
  const message =
    `value and candidate have ${size} bytes as JSON, at most ${MAX_LEASE_DATA_BYTES} are ` +
    "allowed: publish an address, and keep the rest where it can be fetched";
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** Reads a label. */
export function decodeStanding(label: string | undefined): Standing {
  const object = objectOf(label ?? "", MAX_LEASE_DATA_BYTES);
  const candidate = object?.["candidate"];
  if (object === undefined || typeof candidate !== "string") {
    return { candidate: UNKNOWN_CANDIDATE, value: undefined };
  }
  return { candidate, value: object["value"] };
}

/** The payload of a term's record. */
export function encodeTermRecord({ term, state, sinceMs, published }: TermRecord): string {
  return encoded({ v: 1, term, state, sinceMs, ...published });
}

/** Reads the payload of a term's record; `undefined` if it is not one. */
export function decodeTermRecord(payload: Uint8Array): TermRecord | undefined {
  const object = objectOf(payload, MAX_RECORD_BYTES);
  const term = object?.["term"];
  const state = object?.["state"];
  const sinceMs = object?.["sinceMs"];
  if (!Number.isSafeInteger(term) || typeof sinceMs !== "number") return undefined;
  if (state !== "leading" && state !== "ended") return undefined;
  const value = object?.["value"];
  const published = value === undefined ? {} : { published: { value } };
  return { term: term as FencingToken, state, sinceMs, ...published };
}

/** `value` as it will be read: what JSON drops is dropped now. */
export function checkJson(value: Json): Json {
  const text = encoded(value);
  if (typeof text === "string") return JSON.parse(text) as Json;
  throw invalidArgument("value", value, "JSON");
}

function encoded(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw invalidArgument("value", value, "JSON: without cycles and BigInt");
  }
}

function objectOf(
  source: string | Uint8Array,
  maxBytes: number,
): { readonly [key: string]: Json | undefined } | undefined {
  const read = parseJson(source, { maxBytes });
  if (!read.ok || typeof read.value !== "object" || read.value === null) return undefined;
  return Array.isArray(read.value) ? undefined : (read.value as { readonly [k: string]: Json });
}
