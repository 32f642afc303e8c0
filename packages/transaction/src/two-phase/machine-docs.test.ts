import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type BranchStage,
  COORDINATOR,
  type Incident,
  type Order,
  PARTICIPANT,
  type Stage,
} from "./machine.ts";

const PATH = fileURLToPath(new URL("../../../../docs/two-phase-commit.md", import.meta.url));

const INCIDENTS: Readonly<Record<Incident, string>> = {
  "all-yes": "all vote yes",
  "all-read-only": "all only read",
  "a-no": "one votes no",
  deadline: "the deadline passes",
  "coordinator-gone": "the coordinator is gone",
  asked: "one asks in time",
  "asked-late": "one asks past the deadline",
  "all-acked": "all have carried it out",
};
const STAGES: Readonly<Record<Stage, string>> = {
  absent: "no record",
  preparing: "preparing",
  committed: "committed",
  aborted: "aborted",
  "ended-committed": "ended, committed",
  "ended-aborted": "ended, aborted",
};
const BRANCHES: Readonly<Record<BranchStage, string>> = {
  nothing: "nothing",
  working: "a branch at work",
  prepared: "a prepared branch",
};

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const words = (text: string): string => text.replaceAll("-", " ");

function coordinator(): string {
  const stages = Object.keys(STAGES) as Stage[];
  const rows = (Object.keys(INCIDENTS) as Incident[]).map((incident) =>
    row([INCIDENTS[incident], ...stages.map((stage) => words(COORDINATOR[stage][incident]))]),
  );
  const head = row(["", ...stages.map((stage) => STAGES[stage])]);
  return [head, row(["", ...stages].map(() => "--")), ...rows, ""].join("\n");
}

function participant(): string {
  const orders: readonly Order[] = ["prepare", "commit", "abort"];
  const rows = (Object.keys(BRANCHES) as BranchStage[]).map((stage) =>
    row([BRANCHES[stage], ...orders.map((order) => words(PARTICIPANT[stage][order]))]),
  );
  return [row(["it has", ...orders]), row(["--", "--", "--", "--"]), ...rows, ""].join("\n");
}

describe("docs/two-phase-commit.md", () => {
  it.each([
    ["protocol", coordinator()],
    ["participant", participant()],
  ])("has the machine's table of the %s (QUORATE_UPDATE=1 writes it)", (name, table) => {
    const page = readFileSync(PATH, "utf8");
    const from = page.indexOf("\n", page.indexOf(`<!-- ${name}:`)) + 1;
    const end = `<!-- end of ${name} -->`;
    if (process.env["QUORATE_UPDATE"] !== undefined) {
      writeFileSync(PATH, page.slice(0, from) + table + page.slice(page.indexOf(end)));
    }
    const now = readFileSync(PATH, "utf8");
    expect(now.slice(from, now.indexOf(end))).toBe(table);
  });
});
