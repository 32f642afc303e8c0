import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { COORDINATOR, type Incident, type Stage } from "../tcc/machine.ts";
import { actionFor, OPERATIONS, STATES } from "./machine.ts";

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** A table as Markdown. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "--")), ...rows.map(row), ""].join("\n");
}

const barrier = table(
  ["what is known", ...OPERATIONS],
  STATES.map((state) => [state, ...OPERATIONS.map((operation) => actionFor(operation, state))]),
);

const incidents = Object.keys(COORDINATOR.trying) as Incident[];
const words = (text: string): string => text.replace("-", " ");
const coordinator = table(
  ["what befalls it", ...Object.keys(COORDINATOR)],
  incidents.map((incident) => [
    words(incident),
    ...(Object.keys(COORDINATOR) as Stage[]).map((stage) => words(COORDINATOR[stage][incident])),
  ]),
);

describe.each([
  { page: "barrier", text: barrier },
  { page: "tcc", text: coordinator },
])("the protocol in docs/$page.md", ({ page, text }) => {
  it("is the machine's table (QUORATE_UPDATE=1 writes it)", () => {
    const path = fileURLToPath(new URL(`../../../../docs/${page}.md`, import.meta.url));
    const [start, end] = [`<!-- ${page}:`, `<!-- end of ${page} -->`];
    const before = readFileSync(path, "utf8");
    const from = before.indexOf("\n", before.indexOf(start)) + 1;
    if (process.env["QUORATE_UPDATE"] !== undefined) {
      writeFileSync(path, before.slice(0, from) + text + before.slice(before.indexOf(end)));
    }
    const now = readFileSync(path, "utf8");
    expect(now.slice(from, now.indexOf(end))).toBe(text);
  });
});
