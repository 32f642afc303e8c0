/**
 * Makes a plan: adds up what the walk over both rings finds.
 *
 * Everything is counted in hashes, whole numbers, and divided by 2³² at the end: the figures are
 * exact, and what one gains is to the last digit what others give.
 */
import { compareNames } from "@quorate/core";
import type { PlacedNode } from "../placement.ts";
import { hashesByNode } from "../points/arcs.ts";
import { HASHES } from "../points/point-table.ts";
import { eachMove, type Ground } from "../ring-moves.ts";
import { planSvg } from "./plan-svg.ts";
import { planTable } from "./plan-table.ts";
import type { PlanFlow, PlanNode, RingPlan } from "./ring-plan.ts";

/** A ring with all that a plan shows of it. */
export interface PlanGround extends Ground {
  readonly nodes: readonly PlacedNode[];
}

interface Flow {
  readonly from: number;
  readonly to: number;
  hashes: number;
  ranges: number;
}

/** The plan of going from `before` to `after`. */
export function planBetween(before: PlanGround, after: PlanGround): RingPlan {
  const sums = sumFlows(before, after);
  const flows = sums
    .map(({ from, to, hashes, ranges }): PlanFlow => {
      return { from: before.ids[from], to: after.ids[to], share: hashes / HASHES, ranges };
    })
    .toSorted(byShare);
  const nodes = planNodes(before, after, sums);
  const figures = {
    movedShare: sums.reduce((sum, { hashes }) => sum + hashes, 0) / HASHES,
    leastShare: least(before, after, nodes),
    ranges: sums.reduce((sum, { ranges }) => sum + ranges, 0),
    nodes,
    flows,
  };
  return Object.freeze({
    ...figures,
    toTable: (options) => planTable(figures, options),
    toSvg: (options) => planSvg(figures, before, after, options),
  } satisfies RingPlan);
}

function sumFlows(before: PlanGround, after: PlanGround): Flow[] {
  const flows = new Map<number, Flow>();
  eachMove(before, after, (first, last, from, to) => {
    const pair = (from + 1) * (after.ids.length + 1) + to + 1;
    let flow = flows.get(pair);
    if (flow === undefined) flows.set(pair, (flow = { from, to, hashes: 0, ranges: 0 }));
    flow.hashes += last - first + 1;
    flow.ranges += 1;
  });
  return [...flows.values()];
}

function planNodes(before: PlanGround, after: PlanGround, flows: readonly Flow[]): PlanNode[] {
  const old = standings(before);
  const now = standings(after);
  const gives = new Map<string | undefined, number>();
  const gains = new Map<string | undefined, number>();
  for (const { from, to, hashes } of flows) {
    gives.set(before.ids[from], (gives.get(before.ids[from]) ?? 0) + hashes);
    gains.set(after.ids[to], (gains.get(after.ids[to]) ?? 0) + hashes);
  }
  const ids = [...new Set([...before.ids, ...after.ids])].toSorted(compareNames);
  return ids.map((id) => ({
    id,
    weightBefore: old.get(id)?.weight,
    weightAfter: now.get(id)?.weight,
    shareBefore: old.get(id)?.share ?? 0,
    shareAfter: now.get(id)?.share ?? 0,
    gains: (gains.get(id) ?? 0) / HASHES,
    gives: (gives.get(id) ?? 0) / HASHES,
  }));
}

function standings({ table, nodes }: PlanGround): Map<string, { weight: number; share: number }> {
  const hashes = hashesByNode(table, nodes.length);
  return new Map(
    nodes.map(({ id, weight }, index) => [id, { weight, share: (hashes[index] ?? 0) / HASHES }]),
  );
}

/** Half of all that changes: who ends with more than before must be given it by somebody. */
function least(before: PlanGround, after: PlanGround, nodes: readonly PlanNode[]): number {
  if (before.table.size === 0) return after.table.size === 0 ? 0 : 1;
  if (after.table.size === 0) return 1;
  return nodes.reduce(
    (sum, { shareBefore, shareAfter }) => sum + Math.max(0, shareAfter - shareBefore),
    0,
  );
}

function byShare(left: PlanFlow, right: PlanFlow): number {
  return (
    right.share - left.share ||
    compareNames(left.from ?? "", right.from ?? "") ||
    compareNames(left.to ?? "", right.to ?? "")
  );
}
