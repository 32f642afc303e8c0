/**
 * The fleet's record: what a fleet of breakers has agreed on, as one value in the store.
 *
 * Every transition is one conditional write over the record before it, so there is at most one
 * successor of each; losers adopt it. The **epoch** of a record is the store's revision of it: it
 * grows with every transition, whatever was deleted, has expired or was lost in between, and no
 * instance has to count.
 *
 * Times in it are durations, counted by each reader from when it read. Somebody else wrote it:
 * what is not such a record, within bounds, is no record, and the next transition overwrites it.
 */
import { type FencingToken, type Json, type Ms, parseJson, type Revision } from "@quorate/core";

/** What a fleet has agreed on. */
export type FleetState =
  | { readonly kind: "closed" }
  /** Nobody calls; after `resetMs` one instance may find out. */
  | { readonly kind: "open"; readonly resetMs: Ms; readonly openings: number }
  /** The holder of the lease with this token finds out, for at most `leaseMs`. */
  | {
      readonly kind: "probing";
      readonly token: FencingToken;
      readonly leaseMs: Ms;
      readonly openings: number;
    }
  /** Calls come back step by step. */
  | { readonly kind: "ramping"; readonly rampMs: Ms; readonly openings: number }
  /** Held open by hand, until it is released by hand, or `forMs` have passed. */
  | { readonly kind: "isolated"; readonly forMs?: Ms };

/** One transition, and who made it why. */
export interface FleetRecord {
  readonly state: FleetState;
  /** Epoch of the record that it was written over; 0: none was known. */
  readonly from: Revision;
  /** Instances that had calls when it opened: over how many to spread what all want to do. */
  readonly instances: number;
  /** Instance or person; at most 256 bytes. */
  readonly by: string;
  /** For people; at most 512 bytes. Not a place for secrets. */
  readonly why: string;
}

/** Longest `by`. */
export const MAX_BY_BYTES = 256;
/** Longest `why`. */
export const MAX_WHY_BYTES = 512;
/** How long the store keeps a record that nobody writes again; an isolation while it lasts. */
export const RETENTION_MS: Ms = 3_600_000;
/** Longest duration in a record: each ends well before the record does. */
export const MAX_DURATION_MS: Ms = RETENTION_MS / 2;
/** Longest isolation that ends by itself: a week. */
export const MAX_ISOLATION_MS: Ms = 168 * RETENTION_MS;

const BOUNDS = { maxBytes: 4_096, maxDepth: 2, maxNodes: 32 };
const MAX_COUNT = 1_000_000;

/** The bytes of `record`. */
export function encodeFleetRecord({ state, ...rest }: FleetRecord): string {
  const { kind, ...facts } = state;
  return JSON.stringify({ state: kind, ...facts, ...rest });
}

/** The record in `value`; `undefined` for what is none. */
export function decodeFleetRecord(value: Uint8Array): FleetRecord | undefined {
  const fields = fieldsOf(value, BOUNDS);
  if (fields === undefined) return undefined;
  const state = stateOf(fields);
  const { from, instances, by, why } = fields;
  const isWhole =
    state !== undefined &&
    isCount(from, Number.MAX_SAFE_INTEGER) &&
    isCount(instances, MAX_COUNT) &&
    isText(by, MAX_BY_BYTES) &&
    isText(why, MAX_WHY_BYTES);
  return isWhole ? { state, from, instances, by, why } : undefined;
}

function stateOf(fields: Fields): FleetState | undefined {
  const { state, resetMs, rampMs, leaseMs, token, openings, forMs } = fields;
  if (state === "closed") return { kind: state };
  if (state === "isolated") {
    if (forMs === undefined) return { kind: state };
    return isCount(forMs, MAX_ISOLATION_MS) ? { kind: state, forMs } : undefined;
  }
  if (!isCount(openings, MAX_COUNT)) return undefined;
  if (state === "open" && isDuration(resetMs)) return { kind: state, resetMs, openings };
  if (state === "ramping" && isDuration(rampMs)) return { kind: state, rampMs, openings };
  const isProbe = isCount(token, Number.MAX_SAFE_INTEGER) && isDuration(leaseMs);
  return state === "probing" && isProbe ? { kind: state, token, leaseMs, openings } : undefined;
}

/** Fields of somebody else's object. */
export type Fields = Readonly<Record<string, Json | undefined>>;

/** The object in `value`, with a null prototype; `undefined` for anything else. */
export function fieldsOf(
  value: Uint8Array,
  bounds: { readonly maxBytes: number; readonly maxDepth: number; readonly maxNodes: number },
): Fields | undefined {
  const read = parseJson(value, bounds);
  if (!read.ok || typeof read.value !== "object" || read.value === null) return undefined;
  return Array.isArray(read.value) ? undefined : (read.value as Fields);
}

/** A whole number from 0 to `most`. */
export function isCount(value: Json | undefined, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function isDuration(value: Json | undefined): value is Ms {
  return typeof value === "number" && value >= 0 && value <= MAX_DURATION_MS;
}

function isText(value: Json | undefined, maxBytes: number): value is string {
  return typeof value === "string" && value.isWellFormed() && Buffer.byteLength(value) <= maxBytes;
}
