/**
 * The hunt: a world is bundled with a specimen in it, seeds are run in it, and what was seen is
 * told.
 *
 * Each run has a worker thread of its own with a bundle of its own: nothing is shared but the disk
 * that sources are read from. What hangs is ended, and does not count as found.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import { build, type Plugin } from "esbuild";

import type { Sighting, Visit } from "./cage.ts";
import { edited, type Specimen } from "./specimen.ts";

/** The repository. */
export const ROOT: string = join(import.meta.dirname, "../..");

/** Longest visit. */
const VISIT_MS = 300_000;

/** Edits of our code, under a name: a specimen, or another mistake. */
export type Edits = Pick<Specimen, "name" | "edits">;

const CAGE = join(import.meta.dirname, "cage.ts");

/** The texts of the files that `specimen` changes, by path. @throws Error it lost its place. */
export function textsWith({ name, edits }: Edits): Map<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const path = join(ROOT, edit.file);
    texts.set(path, edited(name, edit, texts.get(path) ?? readFileSync(path, "utf8")));
  }
  return texts;
}

/** `entry` and all that it imports as one program. Without a specimen: our code as it is. */
export async function bundle(specimen?: Edits, entry: string = CAGE): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@quorate/source"],
    logLevel: "silent",
    plugins: specimen === undefined ? [] : [letIn(specimen)],
  });
  const [program] = outputFiles;
  if (program === undefined) throw new Error("esbuild made no bundle");
  return program.text;
}

/** Puts the specimen in its place. */
function letIn(specimen: Edits): Plugin {
  const texts = textsWith(specimen);
  return {
    name: specimen.name,
    setup({ onLoad, onEnd }) {
      const missing = new Set(texts.keys());
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = texts.get(path);
        if (contents === undefined) return undefined;
        missing.delete(path);
        return { contents, loader: "ts" };
      });
      onEnd(() => {
        const [path] = missing;
        if (path !== undefined) throw new Error(`${specimen.name}: nothing imports ${path}`);
      });
    },
  };
}

/** Runs `program`. @throws Error it hung, or fell over. */
export async function watch(program: string, visit: Visit): Promise<Sighting> {
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const worker = new Worker(url, { workerData: visit });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Sighting>((resolve, reject) => {
      const hung = (): void => reject(new Error(`still running after ${VISIT_MS} ms`));
      timer = setTimeout(hung, VISIT_MS);
      worker.once("message", resolve).once("error", reject);
      worker.once("exit", () => reject(new Error("the worker ended without a word")));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
