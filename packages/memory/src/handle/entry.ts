/**
 * What the store keeps, as its readers may have it: copies, with what is left of a time.
 */
import type { Entry, LeaseHolder, LeaseState, LeaseWaiter } from "@quorate/core";
import { bytesOf, type KvRecord } from "../store/kv-table.ts";
import type { Claim, Holder, LeaseLine } from "../store/lease-line.ts";

/** Waiters shown by `inspect`; the line itself may be longer. */
const MAX_WAITERS_SHOWN = 1_000;

/** A record as its reader may have it: a copy. */
export function toEntry(record: KvRecord, nowMs: number): Entry {
  const { value } = record;
  return entryOf(record, typeof value === "string" ? bytesOf(value) : new Uint8Array(value), nowMs);
}

/** As `toEntry`, with bytes of the value that are the reader's already. */
export function entryOf(record: KvRecord, value: Uint8Array, nowMs: number): Entry {
  const { key, revision, createdRevision, operationId, expiresAtMs } = record;
  if (expiresAtMs === undefined) return { key, value, revision, createdRevision, operationId };
  const expiresInMs = expiresAtMs - nowMs;
  return { key, value, revision, createdRevision, operationId, expiresInMs };
}

/** A holder as observers see it. */
export function toHolder(holder: Holder, nowMs: number): LeaseHolder {
  const { owner, token: fencingToken, weight, data } = holder;
  const expiresInMs = Math.max(0, holder.expiresAtMs - nowMs);
  const facts = { owner, fencingToken, weight, expiresInMs };
  return data === undefined ? facts : { ...facts, data };
}

/** A name's state as observers see it. */
export function toLeaseState(name: string, line: LeaseLine, nowMs: number): LeaseState {
  const holders = line.holders.map((holder) => toHolder(holder, nowMs));
  return { name, holders, waiters: line.waiters.slice(0, MAX_WAITERS_SHOWN).map(toWaiter) };
}

function toWaiter({ owner, weight, data }: Claim): LeaseWaiter {
  return data === undefined ? { owner, weight } : { owner, weight, data };
}
