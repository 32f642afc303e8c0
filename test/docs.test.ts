/**
 * The documentation is code: every `ts` block compiles, every `ts run` block runs and prints what
 * the page says, and the `@example`s in the sources compile too. Links: `docs-map.test.ts`.
 *
 * Fences: `ts` stands alone; `ts continued` goes on from the block before it on the page;
 * `ts run` is executed, and a `text output` block right after it must match what it prints.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { build, type Plugin } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { run } from "../scripts/servers/run.mjs";
import { blocksOf, type Block } from "./support/markdown.ts";
import { listFiles, packageFolders, readSource, ROOT } from "./support/repository.ts";
import { compileSnippets, publicExamples, type Snippet } from "./support/snippets.ts";

const pages = [
  ...["README.md", "CONTRIBUTING.md", ...listFiles("docs")],
  ...packageFolders().map((folder) => `packages/${folder}/README.md`),
].filter((path) => path.endsWith(".md") && existsSync(join(ROOT, path)));

/** What the compiler may take for all of them, on a machine with other things to do. */
const COMPILER_MS = 90_000;

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
  it(
    "compiles",
    () => {
      expect(compileSnippets(typescript.map(wholeOf))).toEqual([]);
    },
    COMPILER_MS,
  );

  it(
    "compiles in the @example of every public declaration",
    () => {
      expect(compileSnippets(publicExamples())).toEqual([]);
    },
    COMPILER_MS,
  );

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
  const nameOf = ({ page, line }: Block): string => `${page.replaceAll(/\W/g, "-")}-${line}`;
  let dir = "";

  beforeAll(async () => {
    // Inside the repository, so that package names resolve; ignored by git.
    mkdirSync(join(ROOT, ".quorate"), { recursive: true });
    dir = mkdtempSync(join(ROOT, ".quorate", "docs-"));
    for (const block of runnable) {
      const { prelude = "", code } = wholeOf(block);
      writeFileSync(join(dir, `${nameOf(block)}.ts`), `${prelude}${code}\n`);
    }
    // Together, and once: to compile our sources anew for each block takes longer than to run it.
    await build({
      entryPoints: runnable.map((block) => join(dir, `${nameOf(block)}.ts`)),
      outdir: dir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      conditions: ["@quorate/source"],
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } }, // Those of NestJS.
      plugins: [othersOutside],
      logLevel: "silent",
    });
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
      const file = join(dir, `${nameOf(block)}.mjs`);
      const { ok, output } = await run(process.execPath, [file], { cwd: ROOT });
      expect(ok, output).toBe(true);
      const expected = outputAfter(block);
      if (expected !== undefined) expect(output.trim()).toBe(expected.trim());
    },
  );
});

/** What is not ours is loaded from where it is installed. */
const othersOutside: Plugin = {
  name: "others-outside",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ kind, path }) => {
      const isOurs = /^(@quorate|quorate)(\/|$)/.test(path) || kind === "entry-point";
      return isOurs ? undefined : { path, external: true };
    });
  },
};

function outputAfter(block: Block): string | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  const follows = next?.page === block.page && next.words.join(" ") === "text output";
  return follows ? next.code : undefined;
}
