/**
 * Remakes `package-lock.json` from nothing and proves that `npm ci` accepts it.
 *
 * A lock file updated over an existing `node_modules` can miss the platform packages of other
 * systems, and then `npm ci` fails for everybody. So it is made in an empty folder that holds only
 * the manifests, and put in place only when a clean install from it worked.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { Cure, done, say, stopwatch } from "./say.mjs";
import { ROOT, runTask } from "./task.mjs";

/** Writes a new lock file, or throws with npm's words and leaves the old one. */
export async function relock() {
  const time = stopwatch();
  say("remaking package-lock.json from nothing…");
  const folder = mkdtempSync(join(tmpdir(), "quorate-lock-"));
  try {
    const packages = readdirSync(join(ROOT, "packages")).map((name) => join("packages", name));
    for (const dir of [".", "examples", "bench", ...packages]) {
      const to = join(folder, dir, "package.json");
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(ROOT, dir, "package.json"), to);
    }
    cpSync(join(ROOT, ".npmrc"), join(folder, ".npmrc"));
    for (const command of ["install", "ci"]) {
      const args = [command, "--prefer-offline", "--ignore-scripts", "--loglevel=error"];
      const { code, output } = await runTask("npm", args, { cwd: folder, capture: true });
      if (code !== 0) throw new Cure(`npm ${command} refuses the new lock file:\n${output}`);
    }
    cpSync(join(folder, "package-lock.json"), join(ROOT, "package-lock.json"));
    done(`package-lock.json remade, npm ci accepts it (${time()})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
