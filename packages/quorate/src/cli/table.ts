/**
 * Rows as text: columns as wide as what is in them.
 */
import type { Cell, Row } from "./command.ts";

const GAP = "  ";
const MOST_IN_A_CELL = 60;
/** Foreign text must not move the cursor. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** A table with a heading; columns that are empty in all rows are left out. */
export function tableOf(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) =>
    rows.some((row) => row[name] !== undefined && row[name] !== ""),
  );
  const cells = [names, ...rows.map((row) => names.map((name) => textOf(row[name])))];
  const widths = names.map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function textOf(cell: Cell): string {
  if (cell === undefined) return "";
  const text = cell instanceof Date ? cell.toISOString() : String(cell);
  const clean = text.replace(CONTROL, "·");
  return clean.length > MOST_IN_A_CELL ? `${clean.slice(0, MOST_IN_A_CELL - 1)}…` : clean;
}
