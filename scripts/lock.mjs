/**
 * A lock between processes on one machine: a directory, since `mkdir` is atomic everywhere.
 *
 * The holder writes its pid inside. A lock whose holder is dead is taken over, so a killed run
 * never blocks the next one.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { say } from "./say.mjs";

const POLL_MS = 100;
// Between `mkdir` and the pid file the holder is unknown; after this long it is taken for dead.
const NAMELESS_MS = 2_000;

/**
 * Runs `work` alone.
 *
 * @template T
 * @param {string} dir
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(dir, work) {
  mkdirSync(dirname(dir), { recursive: true });
  let told = false;
  let namelessSinceMs;
  while (!tryMake(dir)) {
    const holder = readHolder(dir);
    if (holder === undefined) namelessSinceMs ??= Date.now();
    else namelessSinceMs = undefined;
    const nameless = namelessSinceMs !== undefined && Date.now() - namelessSinceMs > NAMELESS_MS;
    if (nameless || (holder !== undefined && !isAlive(holder))) {
      rmSync(dir, { recursive: true, force: true });
      continue;
    }
    if (!told) say(`waiting for another run (pid ${holder ?? "unknown"}) to finish its set-up…`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => rmSync(dir, { recursive: true, force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    release();
    process.off("exit", release);
  }
}

/** @param {string} dir */
function tryMake(dir) {
  try {
    mkdirSync(dir);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(dir, "pid"), String(process.pid));
  return true;
}

/** @param {string} dir */
function readHolder(dir) {
  try {
    return Number(readFileSync(join(dir, "pid"), "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
