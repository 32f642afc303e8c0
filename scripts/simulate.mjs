/**
 * Runs a simulation from sources, joined into one file beforehand.
 *
 * The development loader names every function anew each time that its line is passed, which costs
 * a tenth of all time in code that makes many closures. So the sources are joined once, in half a
 * second, without that; threads load the same files.
 */
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ROOT, runTask } from "./task.mjs";

/**
 * Joins `test/simulate/<entry>.ts` and runs it. The exit code is its own.
 *
 * @param {"main" | "soak"} entry
 * @param {readonly string[]} args
 */
export async function runSimulation(entry, args) {
  const home = join(ROOT, ".quorate");
  mkdirSync(home, { recursive: true });
  const outDir = mkdtempSync(join(home, "simulate-"));
  try {
    await joinSources(outDir, entry);
    return (await runTask(process.execPath, [join(outDir, `${entry}.js`), ...args])).code;
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/**
 * @param {string} outDir
 * @param {string} entry
 */
async function joinSources(outDir, entry) {
  // Not at the top: on a bare clone this module is loaded before anything is installed.
  const { build } = await import("tsup");
  const scenarios = join(ROOT, "test", "simulate");
  await build({
    config: false,
    silent: true,
    entry: {
      [entry]: join(scenarios, `${entry}.ts`),
      "options-for": join(scenarios, "cli", "options-for.ts"),
      "workers/worker": join(ROOT, "packages", "simulator", "src", "workers", "worker.ts"),
    },
    outDir,
    format: "esm",
    target: "node20",
    platform: "node",
    splitting: true,
    noExternal: [/^@quorate\//],
    esbuildOptions(options) {
      options.conditions = ["@quorate/source"];
    },
  });
}
