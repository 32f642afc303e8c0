/**
 * Builds a variant into a bundle of our code, and explores it in a thread of its own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import type { ExploreOptions } from "@quorate/transaction/explore";
import { build } from "esbuild";

import { ROOT } from "../support/repository.ts";
import { edited } from "../zoo/specimen.ts";
import type { Sighting } from "./cage.ts";
import type { Variant } from "./mutants.ts";

/** Our code as one program, with the variant's edits. @throws Error an edit lost its place. */
export async function bundle({ key, edits }: Variant): Promise<string> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const path = join(ROOT, edit.file);
    texts.set(path, edited(key, edit, texts.get(path) ?? readFileSync(path, "utf8")));
  }
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(import.meta.dirname, "cage.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@quorate/source"],
    logLevel: "silent",
    plugins: [
      {
        name: key,
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = texts.get(path);
            return contents === undefined ? undefined : { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  const [program] = outputFiles;
  if (program === undefined) throw new Error("esbuild made no bundle");
  return program.text;
}

/** Explores a bundled variant. */
export function explored(
  program: string,
  { options }: Variant,
  budget: ExploreOptions,
): Promise<Sighting> {
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const worker = new Worker(url, { workerData: { options, budget } });
  return new Promise<Sighting>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
    worker.once("exit", () => reject(new Error("the worker ended without a word")));
  });
}
