/**
 * The permit record: the state of an exact limit, as one short value of the store.
 *
 * It says how long the bucket takes to run out, so that it means the same to instances that are
 * configured differently, and for how long the store was asked to keep it: what the store says is
 * left of that gives the record's age on the store's own clock, and no two clocks are compared.
 */
import { type Entry, type Ms, QuorateError } from "@quorate/core";

const FORM = /^1:(\d{1,16}):(\d{1,13})$/;

/** A record lives longer than its bucket takes to run out: gone, it means an empty bucket. */
const RETENTION_MS = 60_000;

/** A record as it was read. */
export interface PermitReading {
  readonly entry: Entry | undefined;
  readonly receivedMs: Ms;
}

/** A record to be written, and its retention. */
export interface PermitRecord {
  readonly text: string;
  readonly ttlMs: Ms;
}

/** The record of a bucket that runs out in `backlogUs`. */
export function encodePermits(backlogUs: number): PermitRecord {
  const ttlMs = Math.ceil(backlogUs / 1_000) + RETENTION_MS;
  return { text: `1:${Math.ceil(backlogUs)}:${ttlMs}`, ttlMs };
}

/**
 * How long the bucket takes to run out at `nowMs`, never too short. @throws RECORD_INVALID
 */
export function backlogAt({ entry, receivedMs }: PermitReading, nowMs: Ms): number {
  if (entry === undefined) return 0;
  const [, backlog, ttlMs] = FORM.exec(Buffer.from(entry.value).toString("latin1")) ?? [];
  if (backlog === undefined || ttlMs === undefined) {
    const details = { key: entry.key, reason: "not a permit record" };
    const message = `the record at ${entry.key} is not one of ours`;
    throw new QuorateError("RECORD_INVALID", message, { effect: "none", details });
  }
  const leftMs = entry.expiresInMs ?? Number(ttlMs);
  const ageMs = Math.max(0, Number(ttlMs) - leftMs) + (nowMs - receivedMs);
  return Math.max(0, Number(backlog) - Math.floor(ageMs * 1_000));
}
