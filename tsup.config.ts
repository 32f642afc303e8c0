/**
 * JavaScript of every package; declarations come from the compiler (see `scripts/build.mjs`).
 *
 * Entries are read from each package's `exports`, so a new entry needs no second place.
 */
import { join } from "node:path";

import { defineConfig } from "tsup";

import { readPackages } from "./scripts/workspace.mjs";

export default defineConfig(
  readPackages().map(({ folder, dir, entries, programs }) => ({
    name: folder,
    entry: Object.fromEntries(
      [...entries.map(({ source }) => source), ...programs].map((source) => [
        source.replace(/^\.\/src\//, "").replace(/\.ts$/, ""),
        join(dir, source),
      ]),
    ),
    outDir: join(dir, "dist"),
    format: "esm" as const,
    target: "node20",
    platform: "node" as const,
    // Entries of one package share state (error class, runtime); a copy in each would split it.
    splitting: true,
    dts: false,
    clean: false,
    // `node:crypto` stays that: the bare name is refused by runtimes that only imitate Node.
    removeNodeProtocol: false,
    // Everything named by a package is the user's to install; only relative files are bundled.
    external: [/^[^./]/],
    tsconfig: join(dir, "tsconfig.json"),
  })),
);
