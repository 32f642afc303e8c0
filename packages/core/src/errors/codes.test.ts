import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { type ErrorCode, RETRYABLE } from "./codes.ts";

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const read = (path: string) => readFileSync(pathOf(path), "utf8");

/** Codes and their comments, from the source: an interface leaves nothing at run time. */
function codes(): { code: string; comment: string }[] {
  const source = read("codes.ts");
  const table = source.slice(source.indexOf("interface ErrorDetails"), source.indexOf("\n}\n"));
  return [...table.matchAll(/\/\*\* (.*?) \*\/\s*([A-Z_]+): \{/gs)].map(([, comment, code]) => ({
    code: code ?? "",
    comment: (comment ?? "").replaceAll(/\s*\n\s*\*\s*/g, " "),
  }));
}

/** Rows of a table whose first cell is a code. */
function rows(markdown: string): { code: string; cells: string[] }[] {
  return [...markdown.matchAll(/^\| `([A-Z_]+)` \|(.*)\|$/gm)].map(([, code, rest]) => ({
    code: code ?? "",
    cells: (rest ?? "").split("|").map((cell) => cell.trim()),
  }));
}

describe("docs/errors.md", () => {
  const documented = rows(read("../../../../docs/errors.md"));

  it("has every code once, and none that does not exist", () => {
    expect(codes().length).toBeGreaterThan(10);
    expect(documented.map(({ code }) => code).sort()).toEqual(
      codes()
        .map(({ code }) => code)
        .sort(),
    );
  });

  it.each(documented)("says of $code its effect, its meaning and its cure", ({ code, cells }) => {
    const [effect, again, meaning, cure] = cells;
    expect(effect).toMatch(/none|unknown|applied/);
    expect(again).toBe(RETRYABLE.has(code as ErrorCode) ? "yes" : "no");
    expect(meaning?.length).toBeGreaterThan(20);
    expect(cure?.length).toBeGreaterThan(20);
  });

  it.each(codes())("agrees with the source on the effect of $code", ({ code, comment }) => {
    const effect = /Effect:? `(none|unknown|applied)`/.exec(comment)?.[1];
    const row = documented.find((one) => one.code === code);
    if (effect !== undefined) expect(row?.cells[0]).toContain(effect);
    expect(comment.length).toBeGreaterThan(20);
  });
});

describe("the README's table of codes", () => {
  it("is what the comments in codes.ts say (QUORATE_UPDATE=1 writes it)", () => {
    const path = "../../README.md";
    const readme = read(path);
    const [start, end] = [readme.indexOf("<!-- codes:"), readme.indexOf("<!-- end of codes -->")];
    const from = readme.indexOf("\n", start) + 1;
    const lines = codes().map(({ code, comment }) => `| \`${code}\` | ${comment} |`);
    const table = ["| code | |", "|---|---|", ...lines, ""].join("\n");
    if (process.env["QUORATE_UPDATE"] !== undefined) {
      writeFileSync(pathOf(path), readme.slice(0, from) + table + readme.slice(end));
    }
    const now = read(path);
    expect(now.slice(from, now.indexOf("<!-- end of codes -->"))).toBe(table);
  });

  it("has its first code within 60 words", () => {
    const words = read("../../README.md").split("```")[0]?.split(/\s+/) ?? [];
    expect(words.length).toBeLessThan(60);
  });
});
