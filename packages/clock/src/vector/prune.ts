/**
 * Pruning: a bound on a clock at the price of some order.
 *
 * An entry that is dropped is an event that the clock no longer admits to know. Dropped at random,
 * that is dangerous: `{ x: 2, y: 1 }` without `x` looks *older* than `{ x: 1, y: 1 }`, which it
 * supersedes. So the entry of the stamp's own node always stays: whoever has that count knows the
 * event and all before it, and whoever lacks it cannot seem to be later. What remains can be told
 * `concurrent` too often, and is never told a wrong order. `prune.test.ts` has the proof as a
 * property of random histories, and the counterexample without the rule.
 *
 * The choice of what to drop follows Riak's `vclock:prune`: the oldest first, none that is young.
 * There the stamp's own entry stays only because it is the youngest, by wall clocks that agree.
 */
import { invalidArgument, knownOptions, nonNegative, positiveInteger } from "@quorate/core";

import { compareNodeIds, type NodeId } from "../node-id.ts";
import { entries, type Entries, find } from "./entries.ts";

/** What may go, and what has to stay. */
export interface PruneOptions {
  /** The node whose event the clock stamps; its entry always stays. */
  readonly own: NodeId;
  /** Entries to leave. A clock that has no more is left as it is. */
  readonly keep: number;
  /**
   * Age of a node's entry: how long ago it was last heard of, by the caller's reckoning. The oldest
   * goes first; ties, and all without this function, by the smaller count, then by id.
   */
  readonly ageMs?: (id: NodeId) => number;
  /** Entries younger than this stay, even beyond `keep`. Needs `ageMs`. @default 0 */
  readonly youngMs?: number;
}

interface Candidate {
  readonly index: number;
  readonly id: NodeId;
  readonly count: number;
  readonly ageMs: number;
}

/** The entries without those that may go. */
export function prunedEntries(all: Entries, options: PruneOptions): Entries {
  const { own, keep, ageMs, youngMs = 0 } = knownOptions("options", options, NAMES);
  positiveInteger("keep", keep);
  nonNegative("youngMs", youngMs);
  if (ageMs === undefined && youngMs > 0) {
    throw invalidArgument("youngMs", youngMs, "0 without ageMs, which tells how old entries are");
  }
  if (find(all.ids, own) < 0) {
    throw invalidArgument("own", own, "an id with an entry: the node whose event this is");
  }
  const surplus = all.ids.length - keep;
  if (surplus <= 0) return all;
  const dropped = new Set(
    candidates(all, own, ageMs)
      .filter((candidate) => candidate.ageMs >= youngMs)
      .sort(oldestFirst)
      .slice(0, surplus)
      .map(({ index }) => index),
  );
  const stays = (_: unknown, index: number): boolean => !dropped.has(index);
  return entries(all.ids.filter(stays), all.counts.filter(stays), all.maxEntries);
}

const NAMES = ["own", "keep", "ageMs", "youngMs"] as const;

function candidates(all: Entries, own: NodeId, ageMs: PruneOptions["ageMs"]): Candidate[] {
  return all.ids
    .map((id, index) => ({ id, index, count: all.counts[index] as number }))
    .filter(({ id }) => id !== own)
    .map((entry) => ({ ...entry, ageMs: ageMs === undefined ? 0 : checkAge(ageMs(entry.id)) }));
}

function checkAge(ageMs: number): number {
  if (typeof ageMs === "number" && ageMs >= 0) return ageMs; // Infinity: never heard of.
  throw invalidArgument("ageMs", ageMs, "a function that answers a number >= 0");
}

function oldestFirst(left: Candidate, right: Candidate): number {
  // Infinity - Infinity is no order, so ages are compared and not subtracted.
  if (left.ageMs !== right.ageMs) return left.ageMs > right.ageMs ? -1 : 1;
  return left.count - right.count || compareNodeIds(left.id, right.id);
}
