/**
 * Joins TypeScript sources of ours into files that Node runs as they are.
 *
 * A child process in a development loader takes a second and a half of a core before its first
 * line. Where an example starts five of them, their sources are joined once, in half a second.
 * Packages from outside that have clients of servers stay where they are.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { ROOT } from "./task.mjs";

/**
 * @param {Record<string, string>} entries path of each source by the name of its result
 * @returns {Promise<{ urlOf(name: string): URL, remove(): void }>}
 */
export async function joinSources(entries) {
  // Not at the top: on a bare clone this module is loaded before anything is installed.
  const { build } = await import("esbuild");
  const home = join(ROOT, ".quorate");
  mkdirSync(home, { recursive: true });
  const outdir = mkdtempSync(join(home, "joined-"));
  const remove = () => rmSync(outdir, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    await build({
      entryPoints: entries,
      outdir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      target: "node20",
      conditions: ["@quorate/source"],
      external: ["ioredis", "nats", "@nats-io/*"],
      logLevel: "silent",
    });
    // The scripts of the Redis engine are read from beside its code.
    cpSync(join(ROOT, "packages", "redis", "src", "lua"), join(outdir, "lua"), { recursive: true });
  } catch (error) {
    remove();
    throw error;
  }
  return {
    urlOf: (name) => pathToFileURL(join(outdir, `${name}.mjs`)),
    remove() {
      process.off("exit", remove);
      remove();
    },
  };
}
