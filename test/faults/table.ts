/**
 * The matrix's outcomes as a table, printed, and with `--write` put into `docs/guarantees.md`.
 *
 * `npm run faults [-- --write]` runs the matrix and then this. The worst of what one file of
 * outcomes holds is shown, so that several runs may be added to one file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../support/repository.ts";
import type { KeptOutcome } from "./matrix.ts";
import { PRIMITIVES } from "./protocol.ts";

const DOCUMENT = "docs/guarantees.md";
const BEGIN = "<!-- faults: printed by npm run faults -- --write -->";
const END = "<!-- faults: end -->";

/** Rows of the table: for each fault and rig the worst recovery, rig by rig. */
export function tableOf(outcomes: readonly KeptOutcome[]): string {
  const worst = new Map<string, KeptOutcome>();
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.fault, outcome.rig]);
    const seen = worst.get(key);
    worst.set(key, seen === undefined ? outcome : worse(seen, outcome));
  }
  // Files of tests run side by side; sorting is stable, so a rig's faults keep their order.
  const sorted = [...worst.values()].toSorted((a, b) => orderOf(a.rig) - orderOf(b.rig));
  const rows = sorted.map(({ fault, rig, exclusion, recoveredMs }) => {
    const times = PRIMITIVES.map((primitive) => `${Math.ceil(recoveredMs[primitive])}`);
    const holds = exclusion === "kept" ? "no two believe" : "the fence holds";
    return `| ${[rig, fault, holds, ...times].join(" | ")} |`;
  });
  const head = ["server", "fault", "what holds", ...PRIMITIVES.map((name) => `${name}, ms`)];
  return [`| ${head.join(" | ")} |`, `|${"--|".repeat(head.length)}`, ...rows].join("\n");
}

const RIGS = [/^redis [\d.]+$/, /^redis .*sentinels/, /^redis .*cluster/, /^nats [\d.]+$/, /^nats/];

function orderOf(rig: string): number {
  return RIGS.findIndex((pattern) => pattern.test(rig));
}

function worse(a: KeptOutcome, b: KeptOutcome): KeptOutcome {
  const recoveredMs = { ...a.recoveredMs };
  for (const primitive of PRIMITIVES) {
    recoveredMs[primitive] = Math.max(a.recoveredMs[primitive], b.recoveredMs[primitive]);
  }
  return { ...a, recoveredMs };
}

/** `document` with `table` between the marks. */
export function putTable(document: string, table: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has lost its marks: ${BEGIN}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${document.slice(end)}`;
}

if (process.argv[1]?.endsWith("table.ts") === true) {
  const [file = "", flag] = process.argv.slice(2);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const table = tableOf(lines.map((line) => JSON.parse(line) as KeptOutcome));
  process.stdout.write(`${table}\n`);
  const path = join(ROOT, DOCUMENT);
  if (flag === "--write") writeFileSync(path, putTable(readFileSync(path, "utf8"), table));
}
