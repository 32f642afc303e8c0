/** The files of this repository, as the tests about the repository read them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const SKIPPED = new Set(["node_modules", "dist", ".git", ".quorate", "coverage"]);

/** A file, by its path from the root. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** Paths below `folder`, from the root, sorted; nothing that was installed or built. */
export function listFiles(folder: string): string[] {
  const home = join(ROOT, folder);
  if (!existsSync(home)) return [];
  return readdirSync(home, { withFileTypes: true })
    .flatMap((entry) => {
      if (SKIPPED.has(entry.name)) return [];
      const path = join(home, entry.name);
      return entry.isDirectory() ? listFiles(relative(ROOT, path)) : [relative(ROOT, path)];
    })
    .toSorted();
}

/** The text of one file, by its path from the root. */
export function readSource(path: string): SourceText {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

/** The package names of architecture.md live under these folders of `packages/`. */
export function packageFolders(): string[] {
  return readdirSync(join(ROOT, "packages"))
    .filter((name) => existsSync(join(ROOT, "packages", name, "package.json")))
    .toSorted();
}
