/**
 * The fleet record: who holds which slice of a shared rate, as one value of the store.
 *
 * What is read here was written by another process, perhaps of another version, perhaps by
 * somebody else's bug: nothing of it is believed before it has been looked at.
 */
import { type Json, parseJson } from "@quorate/core";

/** The whole, in slices of which each is a whole number of parts. */
export const PARTS = 10_000;

/** Most slices that a record may have. */
export const MOST_INSTANCES = 1_024;

const VERSION = 1;
const MAX_ID_LENGTH = 64;
const MAX_RECORD_BYTES = 262_144;

/** One instance's slice. Only the instance itself writes it; others may only take it out. */
export interface Slice {
  readonly id: string;
  /** Parts that it may use: never less than it does. */
  readonly held: number;
  /** Parts that it could have used lately. */
  readonly demand: number;
  /** Grows with each renewal: who sees the same one for a lease knows that it has ended. */
  readonly beat: number;
}

/** All slices, and what has been saved up by the parts that nobody holds. */
export interface FleetRecord {
  /** Thousandths of a permit. */
  readonly pool: number;
  readonly slices: readonly Slice[];
}

/** What reading a record came to. */
export type ReadRecord =
  | { readonly ok: true; readonly record: FleetRecord }
  | { readonly ok: false; readonly reason: string };

/** The record's bytes. */
export function encodeFleet({ pool, slices }: FleetRecord): string {
  const rows = slices.map(({ id, held, demand, beat }) => [id, held, demand, beat]);
  return JSON.stringify({ v: VERSION, pool, slices: rows });
}

/** Reads a record. Never throws. */
export function decodeFleet(bytes: Uint8Array): ReadRecord {
  const parsed = parseJson(bytes, { maxBytes: MAX_RECORD_BYTES, maxDepth: 3 });
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return bad("no object");
  const { v, pool, slices } = value as { readonly [key: string]: Json };
  if (v !== VERSION) return bad("of another version");
  if (!isCount(pool)) return bad("its pool is no count");
  if (!Array.isArray(slices) || slices.length > MOST_INSTANCES)
    return bad("its slices are no list");
  const read = (slices as readonly Json[]).map(readSlice);
  const sound = read.filter((slice) => slice !== undefined);
  if (sound.length < read.length) return bad("a slice is damaged");
  if (new Set(sound.map(({ id }) => id)).size < sound.length) return bad("an instance is in twice");
  if (heldBy(sound) > PARTS) return bad("more is held than there is");
  return { ok: true, record: { pool, slices: sound } };
}

/** What `slices` hold together. */
export function heldBy(slices: readonly Slice[]): number {
  return slices.reduce((sum, { held }) => sum + held, 0);
}

function readSlice(row: Json): Slice | undefined {
  if (!Array.isArray(row) || row.length !== 4) return undefined;
  const [id, held, demand, beat] = row as readonly Json[];
  if (typeof id !== "string" || id === "" || id.length > MAX_ID_LENGTH) return undefined;
  if (!isCount(held) || !isCount(demand) || !isCount(beat)) return undefined;
  return held <= PARTS && demand <= PARTS ? { id, held, demand, beat } : undefined;
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bad(reason: string): ReadRecord {
  return { ok: false, reason };
}
