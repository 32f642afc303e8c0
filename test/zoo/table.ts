/**
 * What the tours came to, as a table: printed, and with `--write` put into `docs/zoo.md`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./hunt.ts";
import type { Specimen } from "./specimen.ts";
import { type Finding, median } from "./tour.ts";

const PAGE = join(ROOT, "docs/zoo.md");
const BEGIN = "<!-- zoo: printed by npm run zoo -- --write -->";
const END = "<!-- zoo: end -->";

/** One specimen over all tours. */
interface Row {
  readonly specimen: Specimen;
  readonly findings: readonly Finding[];
  /** Seeds that it took, in the tours that found it. */
  readonly seeds: readonly number[];
}

/** The table, and what it comes to in a sentence. */
export function tableOf(tours: readonly (readonly Finding[])[]): string {
  const rows = rowsOf(tours);
  const found = rows.filter(({ seeds }) => seeds.length === tours.length).length;
  const medians = rows.flatMap(({ seeds }) => (seeds.length === 0 ? [] : [median(seeds)]));
  const sum =
    `${found} of ${rows.length} found in each of ${tours.length} tours over seeds of their own; ` +
    `seeds to detection: median ${median(medians)}, most ${Math.max(...medians)}.`;
  const head = [
    "| Specimen | Story | Where | Claim that found it | Seeds | Seconds | Joined |",
    "| --- | --- | --- | --- | --: | --: | --- |",
  ];
  return [sum, "", ...head, ...rows.map(lineOf)].join("\n");
}

/** Puts `table` into the page. */
export function writeTable(table: string): void {
  const page = readFileSync(PAGE, "utf8");
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`${PAGE} has no place for the table`);
  writeFileSync(PAGE, `${page.slice(0, from + BEGIN.length)}\n\n${table}\n\n${page.slice(to)}`);
}

function rowsOf(tours: readonly (readonly Finding[])[]): Row[] {
  const [first = []] = tours;
  return first.map(({ specimen }, index) => {
    const findings = tours.flatMap((tour) => tour[index] ?? []);
    const seeds = findings.flatMap(({ found }) => (found === undefined ? [] : [found.seeds]));
    return { specimen, findings, seeds };
  });
}

function lineOf({ specimen, findings, seeds }: Row): string {
  const { name, story, foundBy, origin = "planted", joined } = specimen;
  const claims = [...new Set(findings.flatMap(({ found }) => found?.claim ?? []))];
  const seconds = median(findings.map(({ elapsedMs }) => elapsedMs)) / 1_000;
  const cells = [
    `\`${name}\``,
    story,
    `${foundBy.scenario}, ${foundBy.engine}, ${foundBy.profile}`,
    claims.join("; ") || "**not found**",
    seeds.length === 0 ? "" : String(median(seeds)),
    seconds.toFixed(1),
    origin === "planted" ? joined : `${joined}, ${origin}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
