/**
 * A migration plan: what a change of the ring does, before it is done.
 *
 * For the person who has to approve it: how much moves, between whom, how much load each node has
 * before and after, and whether more moves than must. As figures, as a table for a terminal or a
 * ticket, and as a picture.
 */

/** What one node gives to another, over all ranges. */
export interface PlanFlow {
  /** Who gives; `undefined` where nobody owned it. */
  readonly from: string | undefined;
  /** Who gets; `undefined` where nobody will own it. */
  readonly to: string | undefined;
  /** The fraction of all hashes that moves this way. */
  readonly share: number;
  /** In how many ranges. */
  readonly ranges: number;
}

/** One node, before and after. */
export interface PlanNode {
  /** Its id. */
  readonly id: string;
  /** Its weight before; `undefined` if it was not there. */
  readonly weightBefore: number | undefined;
  /** Its weight after; `undefined` if it is gone. */
  readonly weightAfter: number | undefined;
  /** The fraction of all hashes that it owned. */
  readonly shareBefore: number;
  /** The fraction of all hashes that it will own. */
  readonly shareAfter: number;
  /** What it gets from others. */
  readonly gains: number;
  /** What it gives to others. */
  readonly gives: number;
}

/** Options of `RingPlan.toTable`. */
export interface PlanTableOptions {
  /** Most rows of each of the two parts; the rest is counted in one line. @default 20 */
  readonly rows?: number;
}

/** Options of `RingPlan.toSvg`. */
export interface PlanSvgOptions {
  /** The picture's heading, also read out by a screen reader. @default what moves */
  readonly title?: string;
  /** Most nodes with bars of their own, those that change most. @default 24 */
  readonly bars?: number;
}

/** A plan. */
export interface RingPlan {
  /** The fraction of all keys that moves. */
  readonly movedShare: number;
  /**
   * The least that any placement would move to come from these loads to those. Equal to
   * `movedShare` for a change of one node; less where keys pass between nodes that stay.
   */
  readonly leastShare: number;
  /** In how many ranges. */
  readonly ranges: number;
  /** All nodes of both rings, by id. */
  readonly nodes: readonly PlanNode[];
  /** Who gives how much to whom, the largest first. */
  readonly flows: readonly PlanFlow[];
  /** As text, columns aligned. Ids are cut to 40 characters, control characters shown as such. */
  toTable(options?: PlanTableOptions): string;
  /**
   * As an SVG document without scripts, styles or references: safe to embed, ids escaped. The ring
   * before inside, after outside, what moves on its rim, and bars for the loads. With title and
   * description for screen readers.
   */
  toSvg(options?: PlanSvgOptions): string;
}
