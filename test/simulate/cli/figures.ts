/**
 * `npm run simulate -- figures`: all scenarios, as the table of docs/simulator.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

import { SCENARIOS } from "../scenarios.ts";
import { type Choice, parseChoice } from "./choice.ts";
import { duration, type Row, whole } from "./table.ts";

const START = "<!-- figures: printed by npm run simulate -- figures --write -->";
const END = "<!-- figures: end -->";

const HEAD = [
  "scenario",
  "profile",
  "seeds",
  "simulated",
  "faults",
  "unknown outcomes",
  "× real per core",
  "events/s per core",
  "violations",
];

/** Runs what a choice says, or ends with its failure. */
type RunChoice = (choice: Choice) => Promise<readonly Row[] | undefined>;

/** Runs every scenario and prints the table, or writes it where it belongs. The exit code. */
export async function figures(args: readonly string[], run: RunChoice): Promise<number> {
  const write = args.includes("--write");
  const rest = args.filter((arg) => arg !== "--write");
  const lines: string[] = [];
  for (const { name, profiles } of SCENARIOS) {
    const choice = parseChoice([name, ...rest]);
    const rows = await run(choice);
    if (rows === undefined) return 1;
    lines.push(lineOf(name, profiles[0] ?? "", rows));
  }
  const text = [
    `| ${HEAD.join(" | ")} |`,
    `|${HEAD.map(() => "--|").join("")}`,
    ...lines,
    "",
    `Node ${process.versions.node}, ${availableParallelism()} shared cores; times are processor`,
    "time, over all engines.",
  ].join("\n");
  console.log(text);
  if (write) writeTable(text);
  return 0;
}

function lineOf(name: string, profile: string, rows: readonly Row[]): string {
  const sum = (of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0);
  const counted = (prefix: string) => (row: Row) => {
    const found = [...row.report.counts].filter(([key]) => key.startsWith(prefix));
    return found.reduce((all, [, count]) => all + count, 0);
  };
  const simulatedMs = sum(({ report }) => report.simulatedMs);
  const cpuMs = sum((row) => row.cpuMs);
  const cells = [
    name,
    profile,
    whole(sum(({ report }) => report.seeds)),
    duration(simulatedMs),
    whole(sum(counted("fault."))),
    whole(sum(counted("mark.told OUTCOME_UNKNOWN"))),
    whole(simulatedMs / cpuMs),
    whole((1_000 * sum(({ report }) => report.events)) / cpuMs),
    whole(sum(({ report }) => report.failures.length)),
  ];
  return `| ${cells.join(" | ")} |`;
}

function writeTable(text: string): void {
  // The command's files are joined elsewhere before it runs, always in the repository's root.
  const file = fileURLToPath(new URL("docs/simulator.md", `file://${process.cwd()}/`));
  const page = readFileSync(file, "utf8");
  const [before, after] = [page.indexOf(START), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${file} has no place for the figures`);
  writeFileSync(file, `${page.slice(0, before)}${START}\n\n${text}\n\n${page.slice(after)}`);
}
