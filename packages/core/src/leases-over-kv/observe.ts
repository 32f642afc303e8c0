/**
 * What observers are shown: holders, waiters, and all names below a prefix.
 *
 * Who is silent beyond its time is not shown, although its record may still be there: whoever
 * wants the lease would get it.
 */
import { onAbort } from "../abort.ts";
import { withDeadline } from "../deadline.ts";
import { isQuorateError, QuorateError } from "../errors/quorate-error.ts";
import { compareNames } from "../names.ts";
import type { Runtime, Time } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Entry, KvStore } from "../waist/kv.ts";
import type { LeaseHolder, LeaseState } from "../waist/leases.ts";
import type { Desk } from "./desk.ts";
import { deadAtMs } from "./patience.ts";
import { decodeRecord, type Holder, type LeaseRecord } from "./record.ts";

const MOST_WAITERS_SHOWN = 1_000;

/** `holder` as others may see it. */
export function shownHolder(holder: Holder, expiresInMs: Ms): LeaseHolder {
  const { owner, token: fencingToken, weight, data } = holder;
  const shown = { owner, fencingToken, weight, expiresInMs };
  return data === undefined ? shown : { ...shown, data };
}

/** The holders alive by what `desk` has seen, in the order of their tokens. */
export function holdersOf(desk: Desk, record: LeaseRecord, time: Time): LeaseHolder[] {
  const now = { monotonicMs: time.monotonicMs(), wallMs: time.wallMs() };
  const shown: LeaseHolder[] = [];
  for (const holder of record.holders.values()) {
    const leftMs = deadAtMs(holder, desk.watchman, now) - now.monotonicMs;
    if (leftMs > 0) shown.push(shownHolder(holder, Math.min(leftMs, holder.ttlMs)));
  }
  return shown.sort((left, right) => left.fencingToken - right.fencingToken);
}

/** Holders and the head of the line. */
export function stateOf(desk: Desk, record: LeaseRecord, time: Time): LeaseState {
  const waiters = [...record.line.values()].slice(0, MOST_WAITERS_SHOWN);
  return {
    name: desk.name,
    holders: holdersOf(desk, record, time),
    waiters: waiters.map(({ owner, weight, data }) =>
      data === undefined ? { owner, weight } : { owner, weight, data },
    ),
  };
}

/** How to list. */
export interface Listing {
  readonly runtime: Runtime;
  readonly timeoutMs: Ms;
  readonly signal: AbortSignal | undefined;
  /** States judged at a time. */
  readonly pageSize: number;
  readonly judge: (entry: Entry, record: LeaseRecord) => Promise<LeaseState>;
}

/**
 * States below `target` in order of the names. The kv lists one collection, and names go deeper;
 * so this is the first state of a watch. Memory is bounded by the names held now.
 */
export async function* leasesBelow(
  kv: KvStore,
  target: string,
  listing: Listing,
): AsyncIterable<LeaseState> {
  const entries = await entriesBelow(kv, target, listing);
  const keys = [...entries.keys()].sort(compareNames);
  for (let start = 0; start < keys.length; start += listing.pageSize) {
    const page = keys.slice(start, start + listing.pageSize).flatMap((key) => {
      const entry = entries.get(key);
      const record = entry && readable(entry);
      return entry && record ? [listing.judge(entry, record)] : [];
    });
    for (const state of await Promise.all(page)) {
      listing.signal?.throwIfAborted();
      if (state.holders.length > 0 || state.waiters.length > 0) yield state;
    }
  }
}

async function entriesBelow(
  kv: KvStore,
  target: string,
  { runtime, timeoutMs, signal }: Listing,
): Promise<Map<string, Entry>> {
  const end = new AbortController();
  const unsubscribe = onAbort(signal, () => end.abort(signal?.reason));
  const entries = new Map<string, Entry>();
  const read = async (): Promise<void> => {
    for await (const change of kv.watch(target, { signal: end.signal })) {
      if (change.kind === "put") entries.set(change.entry.key, change.entry);
      else if (change.kind === "delete") entries.delete(change.key);
      else if (change.kind === "synced") return;
    }
    throw incomplete();
  };
  const details = { operation: "lease list", timeoutMs };
  const message = `the leases below ${JSON.stringify(target)} were not told within ${timeoutMs} ms`;
  const incomplete = (): unknown =>
    new QuorateError("TIMEOUT", message, { effect: "none", details });
  try {
    await withDeadline(runtime, read(), { timeoutMs, signal, onTimeout: incomplete });
    return entries;
  } finally {
    unsubscribe();
    end.abort();
  }
}

/** The record of `entry`, or nothing where it is not one: a listing shows what it can. */
export function readable(entry: Entry): LeaseRecord | undefined {
  try {
    return decodeRecord(entry);
  } catch (error) {
    if (isQuorateError(error, "RECORD_INVALID")) return undefined;
    throw error;
  }
}
