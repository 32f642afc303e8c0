/**
 * Who must agree before an epoch may begin, and before a place is final.
 *
 * A majority, of each view that may have agreed on something: the one that is known to work, and
 * every later one that somebody has promised to. Any two majorities of a view share a member, so
 * whoever seals finds either the order that was agreed on, or somebody who knows of the view that
 * agreed on it.
 */
import type { MemberId } from "../member.ts";
import type { EpochView } from "./order-frames.ts";

/** More than half of `members`. */
export function majorityOf(members: readonly MemberId[]): number {
  return Math.floor(members.length / 2) + 1;
}

/** True when a majority of `members` is among `who`. */
export function hasMajority(
  members: readonly MemberId[],
  who: { has(member: MemberId): boolean },
): boolean {
  return members.filter((member) => who.has(member)).length >= majorityOf(members);
}

/** The highest place that a majority of `members` has; 0 if none. */
export function majorityThrough(
  members: readonly MemberId[],
  throughOf: (member: MemberId) => number | undefined,
): number | undefined {
  const through = members.flatMap((member) => throughOf(member) ?? []);
  through.sort((left, right) => right - left);
  return through[majorityOf(members) - 1];
}

/** The views below `epoch`, by their epochs, from several lists. */
export function viewsBelow(epoch: number, lists: Iterable<readonly EpochView[]>): EpochView[] {
  const byEpoch = new Map<number, EpochView>();
  for (const list of lists) for (const view of list) byEpoch.set(view.epoch, view);
  return [...byEpoch.values()].filter((view) => view.epoch < epoch);
}
