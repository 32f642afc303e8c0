/**
 * What a user gets: the packed tarballs, installed in an empty folder, run the README's first
 * example as an ES module, through require(), and as TypeScript under two kinds of resolution.
 *
 * Only here are the built files used; everything else is tested from sources.
 */
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { buildAll } from "../scripts/build.mjs";
import { packAll } from "../scripts/pack.mjs";
import { run } from "../scripts/servers/run.mjs";
import { blocksOf } from "./support/markdown.ts";
import { packageFolders, readSource, ROOT } from "./support/repository.ts";

const SETUP_TIMEOUT_MS = 120_000;

const page = readSource("README.md");
const example = blocksOf(page.path, page.text).find(({ words }) => words[0] === "ts")?.code ?? "";
let folder = "";

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "quorate-user-")));
  const { code, output } = await buildAll();
  expect(code, output).toBe(0);
  const tarballs = await packAll(join(folder, "tarballs"));
  write("package.json", JSON.stringify({ name: "user", private: true }));
  // Peers are left out: the first example must not need a client of any server.
  const flags = ["--prefer-offline", "--legacy-peer-deps", "--no-audit", "--no-fund"];
  const installed = await run("npm", ["install", ...flags, ...tarballs.map(({ file }) => file)], {
    cwd: folder,
  });
  expect(installed.ok, installed.output).toBe(true);
}, SETUP_TIMEOUT_MS);

afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function stripTypes(code: string): string {
  return ts.transpileModule(code, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  }).outputText;
}

/** The same program for `require`: imports become calls, and the rest may await inside. */
function asCommonJs(code: string): string {
  const named = /^import \{([^}]*)\} from ("[^"]+");$/gm;
  const requires = [...code.matchAll(named)].map(
    ([, names = "", module]) => `const {${names.replaceAll(/ as /g, ": ")}} = require(${module});`,
  );
  const body = code.replaceAll(named, "").replaceAll(/^export \{\};$/gm, "");
  return `${requires.join("\n")}\n(async () => {\n${body}\n})();\n`;
}

async function typeCheck(name: string, options: ts.CompilerOptions | object): Promise<string> {
  const compilerOptions = {
    ...{ target: "ES2022", strict: true, skipLibCheck: false, noEmit: true },
    ...options,
  };
  const config = write(
    `tsconfig.${name}.json`,
    JSON.stringify({ compilerOptions, files: ["a.mts"] }),
  );
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  return (await run(tsc, ["-p", config], { cwd: folder })).output;
}

describe("a user's empty folder", () => {
  it("gets every package, without sources and with its licence", () => {
    for (const name of packageFolders()) {
      const dir = join(folder, "node_modules", name === "quorate" ? name : `@quorate/${name}`);
      if (!existsSync(join(ROOT, "packages", name, "src", "index.ts"))) continue;
      const files = readdirSync(dir);
      expect(files, name).toEqual(expect.arrayContaining(["LICENSE", "dist", "package.json"]));
      expect(files, name).not.toContain("src");
    }
  });

  it("runs the first example of the README as an ES module", async () => {
    const { ok, output } = await run(process.execPath, [write("a.mjs", stripTypes(example))]);
    expect(ok, output).toBe(true);
  });

  it("runs it through require()", async () => {
    const file = write("a.cjs", asCommonJs(stripTypes(example)));
    const { ok, output } = await run(process.execPath, [file]);
    expect(ok, output).toBe(true);
    expect(output).not.toMatch(/Warning/);
  });

  it("compiles it under Node's resolution, declarations checked, and runs it", async () => {
    write("a.mts", `${example}\nexport {};\n`);
    const types = { types: ["node"], typeRoots: [join(ROOT, "node_modules", "@types")] };
    const node = { module: "NodeNext", moduleResolution: "NodeNext", ...types };
    expect(await typeCheck("node", node)).toBe("");
    const tsx = join(ROOT, "node_modules", "tsx", "dist", "loader.mjs");
    const { ok, output } = await run(process.execPath, ["--import", tsx, join(folder, "a.mts")]);
    expect(ok, output).toBe(true);
  });

  it("compiles it under a bundler's resolution, without Node's types", async () => {
    write("a.mts", `${example}\nexport {};\n`);
    const web = { lib: ["ES2022", "DOM"], types: [] };
    const bundler = { module: "ESNext", moduleResolution: "Bundler", ...web };
    expect(await typeCheck("bundler", bundler)).toBe("");
  });
});
