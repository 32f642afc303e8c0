/**
 * Builds every package into its `dist`: JavaScript by tsup, declarations by the compiler.
 *
 * Two tools, because each is weak where the other is strong: tsup's own declarations took 5 of the
 * 8 seconds and broke on two TypeScript majors; the compiler emits one file per module, while tsup
 * makes one file per entry and shares what entries have in common.
 */
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withLock } from "./lock.mjs";
import { done, fail, say, stopwatch } from "./say.mjs";
import { ROOT, runTask, tool } from "./task.mjs";
import { readPackages } from "./workspace.mjs";

/** Held while `dist` folders are written or packed. */
export const BUILD_LOCK = join(ROOT, ".quorate", "build.lock");

/**
 * Builds all packages from clean; waits for another build in this tree.
 *
 * @returns {Promise<{ code: number, output: string }>}
 */
export function buildAll() {
  return withLock(BUILD_LOCK, build);
}

async function build() {
  const time = stopwatch();
  const packages = readPackages();
  say(`building ${packages.map(({ folder }) => folder).join(", ")}…`);
  for (const { dir } of packages) rmSync(join(dir, "dist"), { recursive: true, force: true });

  const projects = packages.map(({ dir }) => join(dir, "tsconfig.json"));
  const results = await Promise.all([
    runTask(tool("tsup"), ["--silent"], { capture: true }),
    runTask(tool("tsc"), ["-b", ...projects], { capture: true }),
  ]);
  for (const { dir } of packages) {
    referDisposable(join(dir, "dist"));
    // Lua scripts are read at load time from beside the module, in sources and in dist alike.
    const lua = join(dir, "src", "lua");
    if (existsSync(lua)) cpSync(lua, join(dir, "dist", "lua"), { recursive: true });
  }
  const failed = results.filter(({ code }) => code !== 0);
  const output = failed.map((result) => result.output.trim()).join("\n");
  if (failed.length > 0) {
    fail(`build (${time()})\n${output}`);
    return { code: 1, output };
  }
  done(`built (${time()})`);
  return { code: 0, output };
}

/**
 * A consumer who compiles with `lib: ES2022` and without Node's types does not know
 * `AsyncDisposable`; the reference makes each declaration file that uses it stand by itself.
 *
 * @param {string} dist
 */
function referDisposable(dist) {
  if (!existsSync(dist)) return;
  const names = readdirSync(dist, { recursive: true, encoding: "utf8" });
  for (const file of names.filter((name) => name.endsWith(".d.ts")).map((n) => join(dist, n))) {
    const text = readFileSync(file, "utf8");
    if (!/\b(AsyncDisposable|Disposable|asyncDispose|dispose\])/.test(text)) continue;
    writeFileSync(file, `/// <reference lib="esnext.disposable" />\n${text}`);
  }
}
