/**
 * A snapshot as lines of a window: pure, so that it can be looked at in a test.
 *
 * Guarantees: never more lines than the window has, never a line longer than it is wide, and no
 * character of foreign text that moves the cursor. Where all does not fit, each section gives up
 * rows until it does, those with the most first; what is left out is counted.
 */
import { tableOf } from "../table.ts";
import type { Section, Snapshot } from "./snapshot.ts";

/** A window. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Where nobody sits there: as wide as what is in it. */
export const UNBOUNDED: Size = { columns: Infinity, rows: Infinity };

const FOOTER = "q: quit";

/** The lines. */
export function render(snapshot: Snapshot, size: Size): readonly string[] {
  const tables = snapshot.sections.map(({ rows }) => linesOf(rows));
  const fixed = 2 + snapshot.sections.length;
  const shares = share(
    tables.map(({ length }) => length),
    size.rows - fixed,
  );
  const lines = [headOf(snapshot)];
  for (const [index, section] of snapshot.sections.entries()) {
    lines.push(titleOf(section), ...cut(tables[index] ?? [], shares[index] ?? 0));
  }
  const isWindow = Number.isFinite(size.rows);
  const shown = isWindow ? [...lines.slice(0, Math.max(0, size.rows - 1)), FOOTER] : lines;
  return shown.slice(0, size.rows).map((line) => fit(line, size.columns));
}

/** All of a frame as one piece of text: written at once, nothing flickers. */
export function frame(lines: readonly string[]): string {
  return `\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`;
}

function headOf({ at, server, tookMs }: Snapshot): string {
  const time = at.toISOString().slice(0, 19);
  return `quorate top  ${time}Z  ${server}  read in ${Math.round(tookMs)} ms`;
}

function titleOf({ name, summary, isCut, isBad }: Section): string {
  const [oneLine = ""] = clean(summary);
  return `${isBad ? "✗" : "─"} ${name}: ${oneLine}${isCut ? ", and more than are looked at" : ""}`;
}

function linesOf(rows: Section["rows"]): readonly string[] {
  if (rows.length === 0) return [];
  return tableOf(rows)
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`);
}

/** A table of one cell, cleaned as all tables are. */
function clean(text: string): readonly string[] {
  return tableOf([{ text }]).trimEnd().split("\n").slice(1);
}

/** How many of `room` lines each gets: all that it needs, or an equal part of what is left. */
export function share(needs: readonly number[], room: number): readonly number[] {
  const shares = needs.map(() => 0);
  let left = Math.max(0, room);
  let hungry = needs.map((_, index) => index).filter((index) => (needs[index] ?? 0) > 0);
  while (left > 0 && hungry.length > 0) {
    const each = Math.max(1, Math.floor(left / hungry.length));
    for (const index of hungry) {
      const more = Math.min(each, (needs[index] ?? 0) - (shares[index] ?? 0), left);
      shares[index] = (shares[index] ?? 0) + more;
      left -= more;
    }
    hungry = hungry.filter((index) => (shares[index] ?? 0) < (needs[index] ?? 0));
  }
  return shares;
}

/** At most `room` lines, the last of which counts what is missing. */
function cut(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  if (room === 0) return [];
  const kept = lines.slice(0, room - 1);
  const heading = room > 1 ? 1 : 0;
  return [...kept, `  … ${lines.length - 1 - (kept.length - heading)} more`];
}

function fit(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
