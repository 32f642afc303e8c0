/**
 * Explores our saga engine, and seven that are wrong, and prints the table of `docs/explore.md`.
 *
 *     npm run explore                     seconds
 *     npm run explore -- --full           the whole: hours
 *     npm run explore -- --full ours B    some of them
 *
 * Exit codes: 0 ours holds and every wrong one is caught, 1 not so.
 */
import { parseArgs } from "node:util";

import type { Sighting } from "./cage.ts";
import { bundle, explored } from "./hunt.ts";
import { COLUMNS, FULL, VARIANTS } from "./mutants.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals: keys } = parseArgs({
    allowPositionals: true,
    options: {
      full: { type: "boolean", default: false },
      max: { type: "string", default: "2000000" },
      story: { type: "boolean", default: false },
    },
  });
  const columns = values.full ? [...COLUMNS, FULL] : COLUMNS;
  const chosen = VARIANTS.filter(({ key }) => keys.length === 0 || keys.includes(key));
  console.log(`| variant | ${columns.map(({ title }) => title).join(" | ")} | per second |`);
  console.log(`|--|${columns.map(() => "--:|").join("")}--:|`);
  let isAsItShould = true;
  for (const variant of chosen) {
    const program = await bundle(variant);
    const sightings: Sighting[] = [];
    for (const { budget } of columns) {
      const maxSchedules = Number(values.max);
      sightings.push(await explored(program, variant, { ...budget, maxSchedules }));
    }
    const isCaught = sightings.some(({ violations }) => violations > 0);
    isAsItShould &&= isCaught === variant.isWrong;
    console.log(rowOf(`${variant.key}: ${variant.story}`, sightings));
    const first = sightings.find(({ shortest }) => shortest !== "");
    const turned = sightings.map(({ compensated }) => compensated);
    if (values.story) console.log(`of these ended undone: ${turned.join(", ")}`);
    if (values.story && first !== undefined) console.log(first.shortest);
  }
  return isAsItShould ? 0 : 1;
}

function rowOf(name: string, sightings: readonly Sighting[]): string {
  const cells = sightings.map(({ violations, schedules, exhausted }) => {
    return `${violations} / ${schedules}${exhausted ? "" : "+"}`;
  });
  const last = sightings.at(-1);
  const rate = last === undefined ? 0 : Math.round((last.schedules * 1_000) / last.tookMs);
  return `| ${name} | ${cells.join(" | ")} | ${rate} |`;
}
