/**
 * The documentation as a whole: every link leads somewhere, every page can be found from the map,
 * the README shows code at once, and every figure is one that the benchmarks printed.
 */
import { describe, expect, it } from "vitest";

import { deadLinksOf, markdownPages, pagesLinkedFrom } from "./support/links.ts";
import { blocksOf } from "./support/markdown.ts";
import { listFiles, readSource } from "./support/repository.ts";

const MAP = "docs/index.md";
/** Pages whose tables of figures stand between `<!-- figures -->` and `<!-- /figures -->`. */
const WITH_FIGURES = ["README.md", "docs/comparison.md", "docs/start/choose-an-engine.md"];

describe("links", () => {
  it.each(markdownPages())("of %s lead somewhere", (page) => {
    expect(deadLinksOf(page)).toEqual([]);
  });

  it("lead from the README to the map, and from there to every page in two steps", () => {
    expect(pagesLinkedFrom("README.md")).toContain(MAP);
    const first = pagesLinkedFrom(MAP).filter((page) => page.startsWith("docs/"));
    const found = new Set([MAP, ...first, ...first.flatMap(pagesLinkedFrom)]);
    const pages = listFiles("docs").filter((path) => path.endsWith(".md"));
    expect(pages.filter((page) => !found.has(page))).toEqual([]);
  });
});

describe("the README", () => {
  it("shows code within sixty words", () => {
    const before = readSource("README.md").text.split("```")[0] ?? "";
    expect(before.split(/\s+/).filter((word) => /\w/.test(word)).length).toBeLessThanOrEqual(60);
  });
});

describe("the twenty questions", () => {
  const page = readSource("docs/questions.md");
  const questions = page.text.split(/^### /m).slice(1);

  it("are twenty", () => {
    const numbers = questions.map((question) => Number(/^(\d+)\. /.exec(question)?.[1]));
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it.each(questions.map((text) => [text.split("\n")[0] ?? "", text] as const))(
    "%s",
    (_, question) => {
      const blocks = blocksOf(page.path, question).map(({ words }) => words.join(" "));
      expect(blocks).toEqual(["ts run", "text output"]);
      expect(question).toMatch(/^(Guide: |With node-cron)/m);
    },
  );
});

describe("figures", () => {
  const benchmarks = readSource("docs/benchmarks.md").text;

  it.each(WITH_FIGURES)("of %s are those of the benchmarks", (path) => {
    const rows = figureRowsOf(readSource(path).text);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      const [, bench = ""] = /npm run bench -- (\w+)/.exec(row) ?? [];
      const [, printed = ""] = new RegExp(
        `<!-- bench:${bench} -->([\\s\\S]*?)<!-- /bench:${bench} -->`,
      ).exec(benchmarks) ?? [""];
      expect(printed, `${row}\nnames no benchmark that printed a table`).not.toBe("");
      const missing = figuresIn(row).filter((figure) => !figuresIn(printed).includes(figure));
      expect(missing, `${row}\nsays what \`npm run bench -- ${bench}\` did not print`).toEqual([]);
    }
  });
});

/** Rows with figures, without the heads of their tables. */
function figureRowsOf(text: string): string[] {
  return [...text.matchAll(/<!-- figures -->([\s\S]*?)<!-- \/figures -->/g)].flatMap(
    ([, part = ""]) => part.split("\n").filter((line) => line.includes("| `npm run bench")),
  );
}

/** Numbers in cells after the first, which says what was measured; blanks within one are kept. */
function figuresIn(row: string): string[] {
  return row
    .split("\n")
    .flatMap((line) => line.split("|").slice(2))
    .flatMap((cell) => [...cell.matchAll(/(?<![\w.@-])\d{1,3}(?:[  ]\d{3})*(?:\.\d+)?(?![\w.])/g)])
    .map(([figure]) => figure.replaceAll(" ", " "));
}
