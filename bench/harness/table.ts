/**
 * Tables for a terminal and for markdown, from the same rows.
 */

/** A table: the first column is left-aligned, the others are figures. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Aligned by spaces. */
export function renderText({ head, rows }: Table): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => cell(row, column).length)));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) =>
        column === 0 ? cell(row, column).padEnd(width) : cell(row, column).padStart(width),
      )
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(head), rule, ...rows.map(line)].map((text) => `  ${text}`).join("\n");
}

/** As a markdown table. */
export function renderMarkdown({ head, rows }: Table): string {
  const line = (row: readonly string[]): string =>
    `| ${head.map((_, column) => cell(row, column).replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `|${head.map((_, column) => (column === 0 ? "---" : "--:")).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** `value` with as many digits as a reader can use: three significant ones, more for big counts. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1_000) return grouped(Math.round(value));
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 1 || size === 0) return value.toFixed(2);
  return value.toFixed(3);
}

/** A whole number, thousands apart. */
export function grouped(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}

function cell(row: readonly string[], column: number): string {
  return row[column] ?? "";
}
