/**
 * Operations as bars on a line for each process, in plain text: who overlapped whom.
 *
 * Columns are ranks of events, not milliseconds: what matters is the order, and a pause of a
 * second must not push everything else into one column.
 */
import type { Operation } from "./history/history.ts";

const LONGEST_LABEL = 28;

/** Lines of text, one or more for each process, in the order of their first call. */
export function drawTimeline(
  operations: readonly Operation[],
  words: (operation: Operation) => string,
): string[] {
  const byCall = [...new Set(operations)].sort(
    (a, b) => a.calledMs - b.calledMs || a.callIndex - b.callIndex,
  );
  const columns = columnsOf(byCall, words);
  const rows = new Map<string, string>();
  const width = Math.max(0, ...byCall.map(({ process }) => process.length));
  for (const operation of byCall) {
    const from = columns.of(operation.callIndex, operation.calledMs);
    const endless = operation.returnIndex === Infinity;
    const until = endless ? columns.end : columns.of(operation.returnIndex, operation.returnedMs);
    const label = cut(words(operation));
    const bar = `${label}${"─".repeat(Math.max(0, until - from - label.length - 3))}`;
    const row = rows.get(operation.process) ?? "";
    rows.set(operation.process, `${row.padEnd(from)}├ ${bar}${endless ? "┄" : "┤"}`);
  }
  return [...rows].map(([process, row]) => `  ${process.padEnd(width)}  ${row}`);
}

/** A column for each event, far enough apart for the labels of what ends between them. */
function columnsOf(
  operations: readonly Operation[],
  words: (operation: Operation) => string,
): { of(index: number, atMs: number): number; readonly end: number } {
  const events = operations
    .flatMap((operation) => {
      const { callIndex, calledMs, returnIndex, returnedMs } = operation;
      const call = { index: callIndex, atMs: calledMs, needs: undefined };
      if (returnIndex === Infinity) return [call];
      const needs = { from: keyOf(callIndex, calledMs), room: cut(words(operation)).length + 3 };
      return [call, { index: returnIndex, atMs: returnedMs, needs }];
    })
    .sort((a, b) => a.atMs - b.atMs || a.index - b.index);
  const columns = new Map<string, number>();
  let column = 0;
  for (const { index, atMs, needs } of events) {
    const start = needs === undefined ? undefined : columns.get(needs.from);
    if (start !== undefined && needs !== undefined) column = Math.max(column, start + needs.room);
    columns.set(keyOf(index, atMs), column);
    column += 2;
  }
  return {
    of: (index, atMs) => columns.get(keyOf(index, atMs)) ?? 0,
    end: column + LONGEST_LABEL,
  };
}

function keyOf(index: number, atMs: number): string {
  return index < 0 ? `added ${atMs}` : String(index);
}

function cut(label: string): string {
  return label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL - 1)}…` : label;
}
