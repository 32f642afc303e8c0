/**
 * What a user gets: the packed tarballs, installed in an empty folder, run the README's first
 * example as an ES module, through require(), and as TypeScript under two kinds of resolution; and
 * each package by itself loads with what it declares.
 *
 * Only here are the built files used; everything else is tested from sources.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { run } from "../scripts/servers/run.mjs";
import { blocksOf } from "./support/markdown.ts";
import { PACKED_TIMEOUT_MS, userFolder, type UserFolder } from "./support/packed.ts";
import { packageFolders, readSource, ROOT } from "./support/repository.ts";
import { importedBy, installAlone, linkPeers, shippedIn } from "./support/shipped.ts";

const page = readSource("README.md");
const example = blocksOf(page.path, page.text).find(({ words }) => words[0] === "ts")?.code ?? "";
/** Packages whose declarations say neither `Buffer` nor `NodeJS`; the others need @types/node. */
const WITHOUT_NODE_TYPES = [
  ...["core", "memory", "lock", "idempotency", "election", "cron", "transaction"],
].map((name) => `@quorate/${name}`);
/** Who has the packages, and no peer of them. */
let user: UserFolder;

beforeAll(async () => {
  user = await userFolder();
}, PACKED_TIMEOUT_MS);

afterAll(() => (user as UserFolder | undefined)?.remove());

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

/** One run of the compiler over the example and over every entry of every package. */
async function typeCheck(name: string, files: string[], options: object): Promise<string> {
  const strict = { target: "ES2022", strict: true, skipLibCheck: false, noEmit: true };
  const config = user.write(
    `tsconfig.${name}.json`,
    JSON.stringify({ compilerOptions: { ...strict, ...options }, files }),
  );
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  return (await run(tsc, ["-p", config], { cwd: user.dir })).output;
}

/** A program that imports each as a whole and uses one thing of it, its names. */
function importing(entries: readonly string[]): string {
  const imports = entries.map((entry, index) => `import * as e${index} from "${entry}";`);
  const used = entries.map((_, index) => `e${index}`).join(", ");
  return `${imports.join("\n")}\nexport const names = [${used}].flatMap(Object.keys);\n`;
}

describe("a user's empty folder", () => {
  it("gets every package, without sources and with its licence", () => {
    for (const name of packageFolders()) {
      if (!existsSync(join(ROOT, "packages", name, "src", "index.ts"))) continue;
      const scoped = name === "quorate" ? name : `@quorate/${name}`;
      const files = readdirSync(join(user.dir, "node_modules", scoped));
      expect(files, name).toEqual(expect.arrayContaining(["LICENSE", "dist", "package.json"]));
      expect(files, name).not.toContain("src");
    }
  });

  it("runs the first example of the README as an ES module", async () => {
    const file = user.write("a.mjs", stripTypes(example));
    const { ok, output } = await run(process.execPath, [file]);
    expect(ok, output).toBe(true);
  });

  it("runs it through require()", async () => {
    const file = user.write("a.cjs", asCommonJs(stripTypes(example)));
    const { ok, output } = await run(process.execPath, [file]);
    expect(ok, output).toBe(true);
    expect(output).not.toMatch(/Warning/);
  });
});

describe("TypeScript, which checks our declarations too,", () => {
  it("takes the example and every entry under Node's resolution, and runs it", async () => {
    const all = shippedIn(user.dir);
    linkPeers(all, user.dir);
    user.write("a.mts", `${example}\nexport {};\n`);
    user.write("all.mts", importing(all.flatMap(({ entries }) => entries)));
    const types = { types: ["node"], typeRoots: [join(ROOT, "node_modules", "@types")] };
    const node = { module: "NodeNext", moduleResolution: "NodeNext", ...types };
    expect(await typeCheck("node", ["a.mts", "all.mts"], node)).toBe("");
    const tsx = join(ROOT, "node_modules", "tsx", "dist", "loader.mjs");
    const file = join(user.dir, "a.mts");
    const { ok, output } = await run(process.execPath, ["--import", tsx, file]);
    expect(ok, output).toBe(true);
  }, 120_000);

  it("takes them under a bundler's resolution", async () => {
    user.write("a.mts", `${example}\nexport {};\n`);
    user.write("all.mts", importing(shippedIn(user.dir).flatMap(({ entries }) => entries)));
    const types = { types: ["node"], typeRoots: [join(ROOT, "node_modules", "@types")] };
    const bundler = { module: "ESNext", moduleResolution: "Bundler", ...types };
    expect(await typeCheck("bundler", ["a.mts", "all.mts"], bundler)).toBe("");
  }, 60_000);

  it("takes what names nothing of Node there without Node's types", async () => {
    user.write("own.mts", importing(WITHOUT_NODE_TYPES));
    const web = { lib: ["ES2022", "DOM"], types: [] };
    const bundler = { module: "ESNext", moduleResolution: "Bundler", ...web };
    expect(await typeCheck("web", ["own.mts"], bundler)).toBe("");
  }, 60_000);
});

describe("each package", () => {
  it("declares what it imports, and imports what it declares", () => {
    const wrong = shippedIn(user.dir).flatMap((pkg) => {
      const { name, dependencies, neededPeers, optionalPeers } = pkg;
      const imported = importedBy(pkg);
      const declared = [...dependencies, ...neededPeers, ...optionalPeers];
      return [
        ...imported.filter((one) => !declared.includes(one)).map((one) => `${name} lacks ${one}`),
        // A peer may be there for its shape alone: a connection that the user hands over.
        ...dependencies.filter((one) => !imported.includes(one)).map((o) => `${name} spares ${o}`),
      ];
    });
    expect(wrong).toEqual([]);
  });

  it("depends on nothing that docs/dependencies.md does not name as a user's", () => {
    const text = readSource("docs/dependencies.md").text;
    const table = text.slice(text.indexOf("## What users install"), text.indexOf("A peer is the"));
    const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    );
    const installed = shippedIn(user.dir)
      .flatMap(({ dependencies, neededPeers, optionalPeers }) => [
        ...dependencies,
        ...neededPeers,
        ...optionalPeers,
      ])
      .filter((name) => !isOurs(name));
    const listed = named.filter((name) => !isOurs(name));
    expect([...new Set(installed)].toSorted()).toEqual([...new Set(listed)].toSorted());
  });

  it("loads alone, with nothing but what it declares, by import and by require()", async () => {
    const all = shippedIn(user.dir);
    for (const [index, pkg] of all.entries()) {
      // Beside the user's folder: from below it, everything would be found.
      const home = join(user.dir, "..", "alone", String(index));
      installAlone(pkg, user.dir, home);
      const needy = pkg.entries.filter((entry) => entryNeeds(entry, pkg.optionalPeers));
      const entries = pkg.entries.filter((entry) => !needy.includes(entry));
      const load = (how: string) => entries.map((entry) => `${how}(${JSON.stringify(entry)})`);
      const fails = needy.map((entry) => `missing(${JSON.stringify(entry)})`);
      const check = [...load("loaded"), ...fails].map((call) => `await ${call};`).join("\n");
      user.write(`../alone/${index}/main.mjs`, `${ALONE_ESM}${check}\n`);
      user.write(`../alone/${index}/main.cjs`, `${ALONE_CJS}${load("loaded").join(";\n")};\n`);
    }
    for (const kind of ["mjs", "cjs"]) {
      const mains = all.map((_, index) => `await import("./${index}/main.${kind}");`);
      const file = user.write(`../alone/all-${kind}.mjs`, mains.join("\n"));
      const { ok, output } = await run(process.execPath, [file]);
      expect(ok, output).toBe(true);
      expect(output).toBe("");
    }
  }, 60_000);
});

function isOurs(name: string): boolean {
  return name === "quorate" || name.startsWith("@quorate/");
}

/** The umbrella's doors to packages that its user may not have. */
function entryNeeds(entry: string, optionalPeers: readonly string[]): boolean {
  const [, behind] = /^quorate\/(.+)$/.exec(entry) ?? [];
  return behind !== undefined && optionalPeers.includes(`@quorate/${behind}`);
}

// The simulator's worker exports nothing.
const ALONE = `
const names = (module) => Object.keys(module).length;
const isProgram = (entry) => entry.endsWith("/worker");
`;

const ALONE_ESM = `${ALONE}
async function loaded(entry) {
  if (names(await import(entry)) === 0 && !isProgram(entry)) throw new Error(entry + " is empty");
}
async function missing(entry) {
  const found = await import(entry).catch((error) => error);
  if (found.code !== "ERR_MODULE_NOT_FOUND") throw new Error(entry + " loads without its peer");
}
`;

const ALONE_CJS = `${ALONE}
function loaded(entry) {
  if (names(require(entry)) === 0 && !isProgram(entry)) throw new Error(entry + " is empty");
}
`;
