/**
 * The documentation is code: every `ts` block compiles, every `ts run` block runs and prints what
 * the page says, every relative link leads somewhere, and so do the `@example`s in the sources.
 *
 * Fences: `ts` stands alone; `ts continued` goes on from the block before it on the page;
 * `ts run` is executed, and a `text output` block right after it must match what it prints.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { run } from "../scripts/servers/run.mjs";
import { anchorsOf, blocksOf, linksOf, type Block } from "./support/markdown.ts";
import { listFiles, packageFolders, readSource, ROOT } from "./support/repository.ts";
import { compileSnippets, publicExamples, type Snippet } from "./support/snippets.ts";

const pages = [
  ...["README.md", "CONTRIBUTING.md", ...listFiles("docs")],
  ...packageFolders().map((folder) => `packages/${folder}/README.md`),
].filter((path) => path.endsWith(".md") && existsSync(join(ROOT, path)));

const blocks = pages.flatMap((page) => blocksOf(page, readSource(page).text));
const typescript = blocks.filter(({ words }) => words[0] === "ts" || words[0] === "typescript");

/** A block with the ones that it continues before it. */
function wholeOf(block: Block): Snippet {
  const before: string[] = [];
  const earlier = typescript.filter(({ page, line }) => page === block.page && line < block.line);
  let continued = block.words.includes("continued");
  while (continued) {
    const previous = earlier.pop();
    if (previous === undefined) break;
    before.unshift(`${previous.code}\n`);
    continued = previous.words.includes("continued");
  }
  const { page, line, code } = block;
  return { page, line, code, prelude: before.join("") };
}

describe("code in the documentation", () => {
  it("compiles", () => {
    expect(compileSnippets(typescript.map(wholeOf))).toEqual([]);
  });

  it("compiles in the @example of every public declaration", () => {
    expect(compileSnippets(publicExamples())).toEqual([]);
  });

  it("is found wrong when it is wrong, on the right line", () => {
    const wrong = { page: "x.md", line: 7, code: "const n: number = 1;\nconst s: string = n;" };
    expect(compileSnippets([wrong, { ...wrong, prelude: "const a = 1;\n" }])).toEqual([
      expect.stringMatching(/^x\.md:8 Type 'number'/),
      expect.stringMatching(/^x\.md:8 Type 'number'/),
    ]);
  });
});

describe("code that is said to run", () => {
  const runnable = typescript.filter(({ words }) => words.includes("run"));
  let dir = "";

  beforeAll(() => {
    // Inside the repository, so that package names resolve; ignored by git.
    mkdirSync(join(ROOT, ".quorate"), { recursive: true });
    dir = mkdtempSync(join(ROOT, ".quorate", "docs-"));
  });

  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it("is there at all", () => {
    expect(runnable.length).toBeGreaterThan(0);
  });

  it.for(runnable.map((block) => [`${block.page}:${block.line}`, block] as const))(
    "%s",
    async ([, block]) => {
      const { prelude = "", code } = wholeOf(block);
      const file = join(dir, `line-${block.line}.ts`);
      writeFileSync(file, `${prelude}${code}\n`);
      const flags = ["-C", "@quorate/source", "--import", "tsx"];
      const { ok, output } = await run(process.execPath, [...flags, file], { cwd: ROOT });
      expect(ok, output).toBe(true);
      const expected = outputAfter(block);
      if (expected !== undefined) expect(output.trim()).toBe(expected.trim());
    },
  );
});

function outputAfter(block: Block): string | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  const follows = next?.page === block.page && next.words.join(" ") === "text output";
  return follows ? next.code : undefined;
}

describe("links in the documentation", () => {
  it.each(pages)("of %s lead somewhere", (page) => {
    const dead = linksOf(readSource(page).text)
      .filter(({ target }) => !leads(page, target))
      .map(({ target, line }) => `${page}:${line} ${target} leads nowhere`);
    expect(dead).toEqual([]);
  });
});

function leads(page: string, target: string): boolean {
  const [path = "", anchor] = decodeURI(target).split("#");
  const file = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(ROOT, file))) return false;
  if (anchor === undefined || !file.endsWith(".md")) return true;
  return anchorsOf(readFileSync(join(ROOT, file), "utf8")).has(anchor);
}
