/**
 * Which examples there are: the folders whose `main.ts` is a story of `play`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Their names, in order. */
export function exampleNames(): readonly string[] {
  const here = new URL("../", import.meta.url);
  return readdirSync(here)
    .filter((name) => {
      const main = new URL(`${name}/main.ts`, here);
      return existsSync(main) && readFileSync(main, "utf8").includes("export async function play(");
    })
    .sort();
}
