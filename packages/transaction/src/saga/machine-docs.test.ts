import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { InputKind, Phase } from "./inputs.ts";
import { TRANSITIONS } from "./machine.ts";

const PATH = fileURLToPath(
  new URL("../../../../docs/decisions/0013-saga-kernel.md", import.meta.url),
);
const START = "<!-- protocol:";
const END = "<!-- end of protocol -->";

/** The table as Markdown. */
function protocol(): string {
  const phases = Object.keys(TRANSITIONS) as Phase[];
  const kinds = Object.keys(TRANSITIONS.forward) as InputKind[];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rows = kinds.map((kind) =>
    row(
      [kind, ...phases.map((phase) => TRANSITIONS[phase][kind])].map((cell) =>
        cell.replace("-", " "),
      ),
    ),
  );
  const rule = ["--", ...phases.map(() => "--")];
  return [row(["what happens", ...phases]), row(rule), ...rows, ""].join("\n");
}

describe("the protocol in docs/decisions/0013-saga-kernel.md", () => {
  it("is the machine's table (QUORATE_UPDATE=1 writes it)", () => {
    const page = readFileSync(PATH, "utf8");
    const from = page.indexOf("\n", page.indexOf(START)) + 1;
    if (process.env["QUORATE_UPDATE"] !== undefined) {
      writeFileSync(PATH, page.slice(0, from) + protocol() + page.slice(page.indexOf(END)));
    }
    const now = readFileSync(PATH, "utf8");
    expect(now.slice(from, now.indexOf(END))).toBe(protocol());
  });
});
