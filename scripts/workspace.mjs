/** The publishable packages of this repository, read from disk. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./task.mjs";

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {string} [license]
 * @property {Record<string, string | Record<string, string>>} exports
 * @property {Record<string, string>} [bin]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 *
 * @typedef {object} Package
 * @property {string} folder name under `packages/`
 * @property {string} dir absolute
 * @property {Manifest} manifest
 * @property {readonly { path: string, source: string }[]} entries as `exports` lists them:
 *   `path` "." or "./testing", `source` relative to `dir`
 * @property {readonly string[]} programs sources of what `bin` names, relative to `dir`
 */

/** The condition under which `exports` lead to sources. Never published. */
export const SOURCE_CONDITION = "@quorate/source";

/**
 * Every folder of `packages/` with a manifest and at least one entry that exists.
 *
 * @returns {Package[]}
 */
export function readPackages() {
  const home = join(ROOT, "packages");
  return readdirSync(home)
    .toSorted()
    .filter((folder) => existsSync(join(home, folder, "package.json")))
    .map((folder) => {
      const dir = join(home, folder);
      /** @type {Manifest} */
      const manifest = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
      const entries = Object.entries(manifest.exports).flatMap(([path, target]) => {
        const source = typeof target === "string" ? undefined : target[SOURCE_CONDITION];
        return source === undefined ? [] : [{ path, source }];
      });
      const programs = Object.values(manifest.bin ?? {}).map((file) =>
        file.replace(/^\.\/dist\/(.*)\.js$/, "./src/$1.ts"),
      );
      return { folder, dir, manifest, entries, programs };
    })
    .filter(({ dir, entries }) => entries.some(({ source }) => existsSync(join(dir, source))));
}
