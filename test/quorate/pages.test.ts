/**
 * The pages about the command line say what the command line does: they are written from it.
 * `QUORATE_UPDATE=1` writes them anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { COMMANDS } from "../../packages/quorate/src/cli/commands.ts";
import { CATALOGUE } from "../../packages/quorate/src/cli/doctor/catalogue.ts";
import { anchorOf } from "../../packages/quorate/src/cli/doctor/report.ts";
import { findingsPage, FROM_CATALOGUE, referenceOf } from "../support/cli-reference.ts";
import { anchorsOf } from "../support/markdown.ts";
import { ROOT } from "../support/repository.ts";

const mayWrite = process.env["QUORATE_UPDATE"] === "1";

function isAsWritten(page: string, whole: (now: string) => string): void {
  const file = join(ROOT, "docs", page);
  const now = readFileSync(file, { encoding: "utf8", flag: mayWrite ? "a+" : "r" });
  const expected = whole(now);
  if (mayWrite) writeFileSync(file, expected);
  expect(readFileSync(file, "utf8"), "run it with QUORATE_UPDATE=1").toBe(expected);
}

it("docs/cli.md has every command, its options and its warning", () => {
  isAsWritten("cli.md", () => referenceOf(COMMANDS));
});

it("docs/doctor.md has every finding, where the report points to", () => {
  const { begin, end } = FROM_CATALOGUE;
  isAsWritten("doctor.md", (now) => {
    const [before = "", rest = ""] = now.split(begin);
    const [, after = ""] = rest.split(end);
    expect(rest, `${begin} is there`).toContain(end);
    return `${before}${begin}\n${findingsPage()}\n${end}${after}`;
  });
  const anchors = anchorsOf(readFileSync(join(ROOT, "docs/doctor.md"), "utf8"));
  for (const id of Object.keys(CATALOGUE)) expect([...anchors], id).toContain(anchorOf(id));
});
