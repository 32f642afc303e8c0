/**
 * The repository keeps its own rules: layers, sizes, no hidden clock, no unfinished work.
 *
 * A finding names file, line and cure. The rules are themselves tested on bad snippets below,
 * since a check that no longer finds anything looks exactly like a tidy repository.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";
import { describe, expect, it } from "vitest";

import { exportsOf, programOf, publicEntries } from "./support/program.ts";
import { listFiles, packageFolders, readSource, ROOT } from "./support/repository.ts";
import { describeFinding, type Finding } from "./tidy/finding.ts";
import { checkCycles, checkLayers, isTest } from "./tidy/layers.ts";
import {
  checkEntries,
  checkManifest,
  checkPins,
  checkReferences,
  type Manifest,
} from "./tidy/package-rules.ts";
import {
  checkExports,
  checkFinished,
  checkLua,
  checkRuntime,
  checkSizes,
} from "./tidy/source-rules.ts";

const FOLDERS = ["packages", "test", "examples", "bench", "scripts"];
const RUNTIME = "packages/core/src/runtime/";
/** The one file of a command line that writes where people read. */
const TERMINAL = "packages/quorate/src/cli/terminal.ts";

const paths = FOLDERS.flatMap(listFiles);
const sources = paths.filter((path) => /\.(ts|mjs)$/.test(path)).map(readSource);
const packageSources = sources.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path));
const shipped = packageSources.filter(({ path }) => !isTest(path));

function expectTidy(findings: readonly Finding[]): void {
  expect(findings.map(describeFinding)).toEqual([]);
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Manifest;
}

describe("the sources", () => {
  it("import only from lower layers", () => {
    expectTidy(checkLayers(packageSources));
  });

  it("have no rings of files", () => {
    expectTidy(checkCycles(sources));
  });

  it("take time, chance and output from the runtime", () => {
    const judged = shipped.filter(({ path }) => !path.startsWith(RUNTIME) && path !== TERMINAL);
    expectTidy(judged.flatMap(checkRuntime));
  });

  it("stay small", () => {
    expectTidy(sources.flatMap(checkSizes));
  });

  it("export by name", () => {
    // A reporter is found by its default export, and a `.d.ts` describes someone else's module.
    const foreign = (path: string) => path === "scripts/reporter.mjs" || path.endsWith(".d.ts");
    const judged = sources.filter(({ path }) => !foreign(path));
    expectTidy(judged.flatMap(checkExports));
  });

  it("are finished, and no test is off or alone", () => {
    expectTidy(sources.flatMap(checkFinished));
  });

  it("give every Lua script a contract", () => {
    const scripts = paths.filter((path) => path.endsWith(".lua")).map(readSource);
    expectTidy(checkLua(scripts));
  });

  it("document every public name", () => {
    const entries = publicEntries();
    const program = programOf(entries.map(({ path }) => path));
    const checker = program.getTypeChecker();
    const bare = entries.flatMap(({ specifier, path }) =>
      exportsOf(program, path)
        .filter(({ symbol }) => symbol.getDocumentationComment(checker).length === 0)
        .map(({ name, symbol }): Finding => {
          const at = symbol.declarations?.[0];
          const file = at?.getSourceFile();
          const line = at && file ? ts.getLineAndCharacterOfPosition(file, at.getStart()).line : 0;
          const where = file?.fileName.slice(ROOT.length + 1) ?? path;
          const problem = `${specifier} exports ${name} without a doc comment`;
          const cure = "Say what it promises, its units and its errors";
          return { path: where, line: line + 1, problem, cure };
        }),
    );
    expectTidy(bare);
  });
});

describe("the manifests", () => {
  const root = readManifest("package.json");
  const folders = packageFolders();

  it("are complete, in lockstep and pinned to each other", () => {
    expectTidy(
      folders.flatMap((folder) => {
        const path = `packages/${folder}/package.json`;
        const manifest = readManifest(path);
        return [
          ...checkManifest(path, manifest, root.version ?? ""),
          ...checkEntries(path, manifest),
          ...checkPins(path, manifest),
        ];
      }),
    );
  });

  it("pin the tools", () => {
    expectTidy(checkPins("package.json", root));
  });

  it("agree with the compiler's references", () => {
    expectTidy(
      folders.flatMap((folder) => {
        const path = `packages/${folder}/package.json`;
        const config = readManifest(`packages/${folder}/tsconfig.json`);
        const references = (config["references"] ?? []) as { path: string }[];
        const names = references.map((reference) => reference.path);
        return checkReferences(path, readManifest(path), names);
      }),
    );
  });

  it("name no registry in the lock file", () => {
    const text = readFileSync(join(ROOT, "package-lock.json"), "utf8");
    expect(text.match(/"resolved": "https?:/g) ?? []).toEqual([]);
  });
});
