/**
 * What a change of nodes moves: the vocabulary that rings, range maps and directories share.
 *
 * A move says that one piece of the key space had one owner and will have another. The moves from
 * one map to the next are disjoint and complete: a key changes its owner if and only if it lies in
 * one of them. So they are a work list: copy each, then switch.
 */

/** One piece of the key space that changes hands; `Range` says how a piece is described. */
export interface Move<Range> {
  /** Who owned it; `undefined` when nobody did. */
  readonly from: string | undefined;
  /** Who will own it; `undefined` when nobody will. */
  readonly to: string | undefined;
  /** The keys meant: hashes for a ring, keys in their order for a range map, one key for one. */
  readonly range: Range;
  /** The fraction of all keys; `undefined` where the map cannot know how its keys are spread. */
  readonly share: number | undefined;
}
