import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DECISIONS, type Finding, type Question } from "./machine.ts";

const PATH = fileURLToPath(new URL("../../../docs/idempotency.md", import.meta.url));
const START = "<!-- protocol:";
const END = "<!-- end of protocol -->";

const QUESTIONS: Readonly<Record<Question, string>> = {
  ask: "a call asks",
  renew: "a run renews",
  answer: "a run answers",
  "let-go": "a run lets go",
};
const FINDINGS: Readonly<Record<Finding, string>> = {
  nothing: "nothing",
  "mine-running": "its own run",
  "mine-answered": "its own answer",
  running: "another's run",
  lapsed: "another's run, whose lease has ended",
  answered: "another's answer",
  "other-request": "a record of another request",
};

/** The table as Markdown. */
function protocol(): string {
  const questions = Object.keys(QUESTIONS) as Question[];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rows = (Object.keys(FINDINGS) as Finding[]).map((finding) =>
    row([FINDINGS[finding], ...questions.map((one) => DECISIONS[one][finding].replace("-", " "))]),
  );
  const head = row(["found", ...questions.map((one) => QUESTIONS[one])]);
  return [head, row(["--", "--", "--", "--", "--"]), ...rows, ""].join("\n");
}

describe("the protocol in docs/idempotency.md", () => {
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
