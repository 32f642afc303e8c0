/**
 * Builds a variant into a bundle of our code, and explores it in a thread of its own.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import type { ExploreOptions } from "@quorate/transaction/explore";

import { bundle as bundleWith } from "../zoo/hunt.ts";
import type { Sighting } from "./cage.ts";
import type { Variant } from "./mutants.ts";

const CAGE = join(import.meta.dirname, "cage.ts");

/** Our code as one program, with the variant's edits. @throws Error an edit lost its place. */
export function bundle({ key, edits }: Variant): Promise<string> {
  return bundleWith({ name: key, edits }, CAGE);
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
