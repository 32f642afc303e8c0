/**
 * What a benchmark says: sections with tables, remarks and claims, and how many claims held.
 *
 * A claim is a sentence with a bar that was fixed before the run. It is held or missed by this
 * run's figures alone; the exit code says so to a machine. Text is printed section by section as
 * it is measured; markdown at the end, as one piece.
 */
import { renderMarkdown, renderText, type Table } from "./table.ts";

/** One promise, judged. */
export interface Claim {
  readonly name: string;
  /** What was promised, as text: `≤ 1.50 × raw`. */
  readonly bar: string;
  /** What this run measured, as text. */
  readonly measured: string;
  readonly held: boolean;
}

/** Answer of one claim's measurement. */
export interface Section {
  readonly title: string;
  /** How it was measured: what one must know to doubt the figures. */
  readonly method: string;
  readonly tables: readonly Table[];
  readonly remarks?: readonly string[];
  readonly claims: readonly Claim[];
}

/** Sections in order, for a terminal. */
export function sectionText(section: Section): string {
  const { title, method, tables, remarks = [], claims } = section;
  return [
    `\n${title}`,
    wrap(method),
    ...tables.map((table) => `\n${renderText(table)}`),
    ...(remarks.length > 0 ? ["", ...remarks.map((remark) => wrap(`· ${remark}`))] : []),
    "",
    ...claims.map(claimText),
  ].join("\n");
}

/** Sections in order, for documentation. */
export function sectionMarkdown(section: Section): string {
  const { title, method, tables, remarks = [], claims } = section;
  const verdicts: Table = {
    head: ["claim", "bar", "measured", "verdict"],
    rows: claims.map(({ name, bar, measured, held }) => [name, bar, measured, verdict(held)]),
  };
  const parts = [
    `### ${title}`,
    method,
    ...tables.map(renderMarkdown),
    ...(remarks.length > 0 ? [remarks.map((remark) => `- ${remark}`).join("\n")] : []),
    ...(claims.length > 0 ? [renderMarkdown(verdicts)] : []),
  ];
  return parts.join("\n\n");
}

/** `N held, M missed`: the last line of every run. */
export function summary(sections: readonly Section[]): { text: string; missed: number } {
  const claims = sections.flatMap((section) => section.claims);
  const missed = claims.filter(({ held }) => !held).length;
  return { text: `${claims.length - missed} held, ${missed} missed`, missed };
}

function claimText({ name, bar, measured, held }: Claim): string {
  return `  ${held ? "✔ held  " : "✘ MISSED"} ${name}: ${measured} (bar: ${bar})`;
}

function verdict(held: boolean): string {
  return held ? "held" : "**missed**";
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = " ";
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > 98) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}
