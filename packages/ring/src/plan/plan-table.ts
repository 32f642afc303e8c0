/**
 * A plan as text: two tables, nodes and flows, under one sentence.
 */
import { inRange, knownOptions, positiveInteger } from "@quorate/core";
import { label, percent } from "./label.ts";
import type { PlanFlow, PlanNode, PlanTableOptions, RingPlan } from "./ring-plan.ts";

/** What a plan knows, without its pictures. */
export type PlanFigures = Omit<RingPlan, "toTable" | "toSvg">;

/** `plan` as lines of text, without a line break at the end. */
export function planTable(plan: PlanFigures, options: PlanTableOptions = {}): string {
  knownOptions("options", options, ["rows"]);
  const rows = inRange("rows", positiveInteger("rows", options.rows ?? 20), 1, 100_000);
  const flows = plan.flows.map(flowRow);
  const parts = [sentence(plan), "", ...part(NODE_HEAD, plan.nodes.map(nodeRow), rows, "nodes")];
  if (flows.length > 0) parts.push("", ...part(FLOW_HEAD, flows, rows, "flows"));
  return parts.join("\n");
}

/** What moves, in one sentence. */
export function sentence({ movedShare, leastShare, ranges }: PlanFigures): string {
  if (ranges === 0) return "Nothing moves.";
  const where = ranges === 1 ? "1 range" : `${ranges} ranges`;
  const moves = `Moves ${percent(movedShare)} of all keys in ${where}`;
  if (movedShare - leastShare < 1e-9) return `${moves}, no more than the loads ask for.`;
  return `${moves}; the loads alone ask for ${percent(leastShare)}.`;
}

const NODE_HEAD = ["node", "weight", "before", "after", "gains", "gives"];
const FLOW_HEAD = ["from", "to", "share", "ranges"];
const LEFT_ALIGNED: ReadonlySet<string> = new Set(["node", "from", "to"]);

function nodeRow(node: PlanNode): string[] {
  const { id, weightBefore, weightAfter, shareBefore, shareAfter, gains, gives } = node;
  const shares = [shareBefore, shareAfter, gains, gives].map(percent);
  return [label(id), weights(weightBefore, weightAfter), ...shares];
}

function weights(before: number | undefined, after: number | undefined): string {
  if (before === after) return String(after);
  return `${before ?? "–"} → ${after ?? "–"}`;
}

function flowRow({ from, to, share, ranges }: PlanFlow): string[] {
  return [label(from), label(to), percent(share), String(ranges)];
}

function part(head: string[], all: readonly string[][], most: number, what: string): string[] {
  const rows = [head, ...all.slice(0, most)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return LEFT_ALIGNED.has(head[column] ?? "") ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  const left = all.length - most;
  return left > 0 ? [...lines, `… and ${left} more ${what}`] : lines;
}
