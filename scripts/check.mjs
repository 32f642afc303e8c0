/**
 * Every gate but the tests, one after another, all of them even if one fails: a contributor wants
 * the whole list, not the first line of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildAll } from "./build.mjs";
import { packAll } from "./pack.mjs";
import { done, fail, say, stopwatch } from "./say.mjs";
import { runTask, tool } from "./task.mjs";

/** @typedef {{ code: number, output: string }} Result */

/** @type {readonly { name: string, cure: string, run: () => Promise<Result> }[]} */
const GATES = [
  { name: "format", cure: "npx oxfmt", run: () => quiet("oxfmt", "--check") },
  { name: "lint", cure: "npx oxlint --fix", run: () => quiet("oxlint", "--deny-warnings") },
  { name: "types", cure: "npx tsc", run: () => quiet("tsc", "--noEmit") },
  { name: "build", cure: "npm run build", run: buildAll },
  { name: "packages", cure: "npm run check -- packages", run: checkPackages },
  { name: "reference", cure: "npm run api", run: askReference },
  { name: "unused", cure: "npx knip", run: () => quiet("knip", "--no-progress") },
];

/**
 * Runs the named gates, or all.
 *
 * @param {readonly string[]} names
 */
export async function checkAll(names) {
  const unknown = names.filter((name) => !GATES.some((gate) => gate.name === name));
  if (unknown.length > 0) {
    fail(`no gate named ${unknown.join(", ")}; there are ${GATES.map((g) => g.name).join(", ")}`);
    return 2;
  }
  const whole = stopwatch();
  const chosen = GATES.filter(({ name }) => names.length === 0 || names.includes(name));
  /** @type {{ name: string, cure: string, result: Result, took: string }[]} */
  const results = [];
  for (const { name, cure, run } of chosen) {
    const time = stopwatch();
    say(`${name}…`);
    const result = await run();
    results.push({ name, cure, result, took: time() });
    (result.code === 0 ? done : fail)(`${name} (${time()})`);
  }

  const failed = results.filter(({ result }) => result.code !== 0);
  for (const { name, cure, result } of failed) {
    console.log(`\n──── ${name}: ${cure}\n${result.output.trim()}`);
  }
  console.log(`\nchecks took ${whole()}`);
  for (const { name, result, took } of results) {
    console.log(`${result.code === 0 ? "✓" : "✗"} ${name} (${took})`);
  }
  return failed.length === 0 ? 0 : 1;
}

/**
 * @param {string} name
 * @param {...string} args
 */
function quiet(name, ...args) {
  return runTask(tool(name), args, { capture: true });
}

/** The doc comments, as typedoc reads them; loaded here, since it brings a compiler along. */
async function askReference() {
  return (await import("./api.mjs")).reference(undefined);
}

/** Looks at what npm would publish: shape by publint, types for each kind of consumer by attw. */
async function checkPackages() {
  const folder = mkdtempSync(join(tmpdir(), "quorate-check-"));
  const complaints = [];
  try {
    for (const { name, file } of await packAll(folder)) {
      const results = await Promise.all([
        quiet("publint", file, "--strict"),
        // ESM only: require() of a module works from Node 20.19, types resolve as ESM.
        quiet("attw", file, "--profile", "esm-only", "--no-emoji"),
      ]);
      for (const { code, output } of results) {
        if (code !== 0) complaints.push(`${name}\n${output.trim()}`);
      }
    }
  } catch (error) {
    complaints.push(/** @type {Error} */ (error).message);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { code: complaints.length === 0 ? 0 : 1, output: complaints.join("\n\n") };
}
