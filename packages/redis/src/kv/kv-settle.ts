/**
 * Settling unknown outcomes: did it happen, and can it still?
 *
 * A write that expects a revision is fenced by giving the entry a new one: the straggler's
 * condition can never hold again. Any other carries a time after which its script refuses; once
 * the server's clock has passed it, what has not happened will not.
 *
 * Guarantees: after `applied` or `none` the write will not land any more. `unknown`: somebody else
 * has written since, and nobody can tell whether we had before.
 */
import {
  type CheckedDelete,
  type CheckedPut,
  type Entry,
  type Ms,
  type Resolution,
  sleep,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import { type EntryPlace, head, placeOf } from "./kv-keys.ts";
import { readEntry } from "./kv-read.ts";
import { encodeRevision } from "./kv-wire.ts";

const LONGEST_SLICE_MS = 200;

/** What has to be known of a write to settle it later. Noted when it is sent. */
export interface SentWrite {
  readonly place: EntryPlace;
  /** After this moment on the server's clock (µs) its script refuses; 0: none was set. */
  readonly notAfterMicros: number;
  /** A moment on the server's clock that was over when it left; 0: not known. */
  readonly sinceMicros: number;
}

/** Notes what settling a write may need, before it leaves. */
export function noteSent(engine: Engine, place: EntryPlace, timeoutMs: Ms): SentWrite {
  const clock = engine.clocks.of(place.partition);
  return {
    place,
    notAfterMicros: clock.latestMicros(timeoutMs),
    sinceMicros: clock.earliestMicros(),
  };
}

/** What a put asked for. */
type PutAsked = Pick<CheckedPut, "key" | "operationId" | "timeoutMs" | "expect">;

/** Settles a put. */
export async function settlePut(
  engine: Engine,
  put: PutAsked,
  sent: SentWrite,
  signal: AbortSignal | undefined,
): Promise<Resolution> {
  const call = { timeoutMs: put.timeoutMs, signal };
  let entry = await readEntry(engine, put.key, call);
  if (entry?.operationId === put.operationId) return "applied";
  if (typeof put.expect === "number") {
    if (entry?.revision !== put.expect) return "unknown";
    return (await restamp(engine, put, put.expect, signal)) ? "none" : "unknown";
  }
  if (!(await pass(engine, sent, signal))) return "unknown";
  entry = await readEntry(engine, put.key, call);
  if (entry?.operationId === put.operationId) return "applied";
  return untouchedSince(entry, put.expect, sent.sinceMicros) ? "none" : "unknown";
}

/** Settles a delete. */
export async function settleDelete(
  engine: Engine,
  request: CheckedDelete,
  sent: SentWrite,
  signal: AbortSignal | undefined,
): Promise<Resolution> {
  const call = { timeoutMs: request.timeoutMs, signal };
  let entry = await readEntry(engine, request.key, call);
  // What was to go is gone, and an expected revision never comes back.
  if (entry === undefined && request.expect !== undefined) return "applied";
  if (request.expect !== undefined && entry !== undefined) {
    if (entry.revision !== request.expect) return "unknown";
    return (await restamp(engine, request, request.expect, signal)) ? "none" : "unknown";
  }
  if (!(await pass(engine, sent, signal))) return "unknown";
  entry = await readEntry(engine, request.key, call);
  return entry === undefined ? "applied" : "unknown";
}

/**
 * What is there now, after the last moment at which ours could land, tells whether it did: nothing
 * where nothing was expected, or an entry older than our request.
 */
function untouchedSince(
  entry: Entry | undefined,
  expect: "absent" | undefined,
  sinceMicros: number,
): boolean {
  if (entry === undefined) return expect === "absent";
  return sinceMicros > 0 && entry.revision < sinceMicros;
}

async function restamp(
  engine: Engine,
  write: PutAsked | CheckedDelete,
  revision: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const place = placeOf(engine.partitions, write.key);
  const { value } = await engine.link.run({
    operation: "kv.resolve",
    script: engine.scripts["kv-restamp"],
    keys: place.keys,
    args: [...head(place, 0, write), encodeRevision(revision)],
    timeoutMs: write.timeoutMs,
    signal,
    key: write.key,
  });
  return typeof value === "string" && value.startsWith("+");
}

/** Waits until the server's clock is past the write's last moment; false where none was set. */
async function pass(
  engine: Engine,
  sent: SentWrite,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const micros = sent.notAfterMicros;
  const { partition } = sent.place;
  if (micros === 0) return false;
  for (;;) {
    const { value, sentMs } = await engine.link.run({
      operation: "kv.resolve",
      script: engine.scripts.time,
      keys: [partition.clock],
      args: [],
      timeoutMs: engine.bounds.requestTimeoutMs,
      signal,
      read: true,
    });
    const now = Number(value);
    engine.clocks.of(partition).learn(now, sentMs);
    if (now > micros) return true;
    const leftMs = (micros - now) / 1_000 + 1;
    await sleep(engine.runtime, Math.min(leftMs, LONGEST_SLICE_MS), { signal });
  }
}
