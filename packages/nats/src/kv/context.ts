/**
 * What every operation on records shares, and how a stored record is judged.
 */
import type { CheckedCall, Entry, Ms, RequestBounds, Runtime } from "@quorate/core";
import { Budget } from "../budget.ts";
import type { Link } from "../link/link.ts";
import { type Messages, TOMBSTONE_GRACE_MS } from "../messages.ts";
import { endsAtMs, entryOf, type StoredRecord } from "../record.ts";
import type { Stream } from "../stream.ts";
import { type Space, subjectOf } from "../subjects.ts";
import type { Head, Heads } from "./heads.ts";
import type { Sweeper } from "./sweeper.ts";

/** Parts of a kv. */
export interface KvContext {
  /** For messages: "kv" or "leases". */
  readonly what: string;
  readonly space: Space;
  readonly runtime: Runtime;
  readonly link: Link;
  readonly stream: Stream;
  readonly messages: Messages;
  readonly heads: Heads;
  readonly sweeper: Sweeper;
  readonly bounds: () => RequestBounds;
  /** The server's time by the last reading, where there was one. */
  readonly clockMs: () => Ms | undefined;
  /** Stamps of entries that were read: what their age is counted from. */
  readonly stamps: WeakMap<Entry, Ms>;
}

/** One operation on one key. */
export interface KeyCall {
  readonly key: string;
  readonly subject: string;
  /** For messages: "kv.put". */
  readonly operation: string;
  readonly budget: Budget;
}

/** What was read: the key's head, and its living entry if there is one. */
export interface Look {
  readonly head: Head;
  readonly record: StoredRecord | undefined;
  readonly entry: Entry | undefined;
}

/** Swept only when dead for this long: clocks of two leaders differ. */
const EXPIRED_GRACE_MS = 1_000;

/** A call on `key`. */
export function keyCall(context: KvContext, verb: string, key: string, call: CheckedCall): KeyCall {
  return {
    key,
    subject: subjectOf(context.space, key),
    operation: `${context.what}.${verb}`,
    budget: new Budget(context.runtime, call),
  };
}

/** Reads a key at the leader and judges what is there. */
export async function look(context: KvContext, call: KeyCall): Promise<Look> {
  const record = await context.messages.last(call.subject, call);
  if (record === undefined) {
    context.heads.note(call.subject, { kind: "none" });
    return { head: { kind: "none" }, record, entry: undefined };
  }
  const serverMs = await serverNow(context, record, call.budget);
  const judged = judge(context, call.key, record, serverMs);
  context.heads.note(call.subject, judged.head);
  return judged;
}

/** The server's time, where judging `record` needs it. */
export async function serverNow(
  context: KvContext,
  record: StoredRecord,
  budget: Budget,
): Promise<Ms> {
  if (record.deleted || record.ttlMs === undefined) return record.stampMs;
  return context.messages.serverNowMs(budget);
}

/** What a record says at `serverMs`. Has what is long dead swept up. */
export function judge(context: KvContext, key: string, record: StoredRecord, serverMs: Ms): Look {
  const { seq } = record;
  const leftMs = endsAtMs(record) - serverMs;
  if (leftMs <= 0) {
    const head: Head = { kind: "dead", seq };
    sweepDead(context, record, serverMs);
    return { head, record, entry: undefined };
  }
  const revision = context.stream.positions.revisionOf(seq);
  const entry = entryOf(record, { key, revision, serverMs });
  context.stamps.set(entry, record.stampMs);
  const head: Head = {
    kind: "live",
    seq,
    createdRevision: entry.createdRevision,
    operationId: record.operationId,
    aliveUntilMs: context.runtime.time.monotonicMs() + leftMs,
  };
  return { head, record, entry };
}

/** Has a dead message removed, when nobody needs to see it any more. */
export function sweepDead(context: KvContext, record: StoredRecord, serverMs: Ms): void {
  const { deleted, seq, stampMs, subject } = record;
  if (deleted && context.stream.facts?.sweepsByTtl === true) return;
  const graceMs = deleted ? TOMBSTONE_GRACE_MS : EXPIRED_GRACE_MS;
  const deadForMs = Math.max(0, serverMs - (deleted ? stampMs : endsAtMs(record)));
  const onGone = (): void => context.heads.swept(subject, seq);
  context.sweeper.plan(seq, Math.max(0, graceMs - deadForMs), onGone);
}
