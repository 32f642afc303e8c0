/**
 * Packs every package the way it would be published.
 *
 * The manifests in the tree point tools to sources through a private condition, and `src` is not
 * published. So each package is staged: its manifest without that condition, its `dist`, its
 * README and the licence; npm packs the stage.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { BUILD_LOCK } from "./build.mjs";
import { withLock } from "./lock.mjs";
import { ROOT, runTask } from "./task.mjs";
import { SOURCE_CONDITION, readPackages } from "./workspace.mjs";

/** @import { Manifest, Package } from "./workspace.mjs" */

/**
 * Packs what `dist` folders hold now; build first.
 *
 * @param {string} folder receives the tarballs
 * @returns {Promise<{ name: string, file: string }[]>}
 */
export function packAll(folder) {
  return withLock(BUILD_LOCK, () => pack(folder));
}

/** @param {string} folder */
async function pack(folder) {
  mkdirSync(folder, { recursive: true });
  const stages = mkdtempSync(join(tmpdir(), "quorate-pack-"));
  try {
    const packages = readPackages();
    const dirs = packages.map((pkg) => stage(pkg, join(stages, pkg.folder)));
    // One npm for all: starting npm is most of the cost.
    const args = ["pack", "--json", "--pack-destination", folder, ...dirs];
    const { code, output } = await runTask("npm", args, { capture: true });
    if (code !== 0) throw new Error(`npm pack: ${output}`);
    return packages.map(({ manifest }) => ({
      name: manifest.name,
      file: join(folder, tarballName(manifest)),
    }));
  } finally {
    rmSync(stages, { recursive: true, force: true });
  }
}

/**
 * @param {Package} pkg
 * @param {string} to
 */
function stage(pkg, to) {
  const dist = join(pkg.dir, "dist");
  if (!existsSync(dist)) throw new Error(`${pkg.folder} has no dist: npm run build`);
  mkdirSync(to, { recursive: true });
  cpSync(dist, join(to, "dist"), {
    recursive: true,
    filter: (file) => !file.endsWith(".tsbuildinfo"),
  });
  const readme = join(pkg.dir, "README.md");
  if (existsSync(readme)) cpSync(readme, join(to, "README.md"));
  const licence = join(ROOT, "LICENSE");
  if (existsSync(licence)) cpSync(licence, join(to, "LICENSE"));
  const manifest = publishedManifest(pkg.manifest);
  writeFileSync(join(to, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return to;
}

/**
 * @param {Manifest} manifest
 * @returns {Manifest}
 */
export function publishedManifest(manifest) {
  const exports = Object.entries(manifest.exports).map(([path, target]) => {
    if (typeof target === "string") return [path, target];
    const { [SOURCE_CONDITION]: _source, ...published } = target;
    return [path, published];
  });
  return { ...manifest, exports: Object.fromEntries(exports) };
}

/** @param {Manifest} manifest */
function tarballName({ name, version }) {
  return `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
}
