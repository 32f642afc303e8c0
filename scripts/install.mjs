/**
 * Installs the packages when, and only when, the lock file asks for it.
 *
 * A stamp in `node_modules` holds the hash of what was installed. Without a stamp (somebody ran
 * `npm install` by hand) npm's own record of the tree is compared with the lock file first, since
 * wiping a good tree costs seconds and pulls it away under whoever is using it.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withLock } from "./lock.mjs";
import { Cure, done, say, stopwatch } from "./say.mjs";
import { ROOT, runTask } from "./task.mjs";

const LOCK_FILE = join(ROOT, "package-lock.json");
const STAMP_FILE = join(ROOT, "node_modules", ".quorate-stamp");

/** Makes `node_modules` agree with `package-lock.json`. Two runs at once are safe. */
export async function installPackages() {
  if (isFresh()) return;
  await withLock(join(ROOT, ".quorate", "install.lock"), async () => {
    if (isFresh()) return; // Whoever held the lock before us has done it.
    if (matchesLockFile()) {
      writeFileSync(STAMP_FILE, stamp());
      return;
    }
    const time = stopwatch();
    say("installing packages (npm ci)…");
    const ci = await npm("ci", "--prefer-offline");
    if (ci.code !== 0) {
      say("npm ci failed, trying npm install…");
      const install = await npm("install", "--no-save", "--prefer-offline");
      if (install.code !== 0) {
        throw new Cure(
          `packages could not be installed. Is the npm registry reachable? Try \`npm ping\`.\n` +
            `--- npm ci\n${ci.output.trim()}\n--- npm install\n${install.output.trim()}`,
        );
      }
    }
    writeFileSync(STAMP_FILE, stamp());
    done(`packages installed (${time()})`);
  });
}

/** @param {...string} args */
function npm(...args) {
  return runTask("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    capture: true,
  });
}

function stamp() {
  const [major] = process.versions.node.split(".");
  return createHash("sha256")
    .update(readFileSync(LOCK_FILE))
    .update(`${process.platform} ${process.arch} node${major}`)
    .digest("hex");
}

function isFresh() {
  if (!existsSync(LOCK_FILE)) throw new Cure("package-lock.json is missing: npm install");
  return existsSync(STAMP_FILE) && readFileSync(STAMP_FILE, "utf8") === stamp();
}

/** Whether npm's record of `node_modules` names the very versions of the lock file. */
function matchesLockFile() {
  const recordFile = join(ROOT, "node_modules", ".package-lock.json");
  if (!existsSync(recordFile)) return false;
  /** @typedef {{ version?: string, optional?: boolean }} Entry */
  /** @type {(file: string) => Record<string, Entry>} */
  const packagesOf = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const record = packagesOf(recordFile);
  return Object.entries(packagesOf(LOCK_FILE)).every(([path, wanted]) => {
    if (!path.includes("node_modules/")) return true; // A workspace itself.
    const got = record[path];
    // An optional package may be meant for another platform.
    if (got === undefined) return wanted.optional === true;
    return got.version === wanted.version && existsSync(join(ROOT, path));
  });
}
