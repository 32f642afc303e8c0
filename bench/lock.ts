/**
 * `npm run bench -- lock`: what locks cost, beside the four libraries that Node.js services use
 * today, all measured in this run.
 *
 * Prints a table per claim and ends with `N held, M missed`; the exit code is 1 if any was missed.
 * `--quick` takes fewer rounds, `--only 3,5` some sections, `--without quorate,redlock4` fewer
 * libraries, `--markdown` prints markdown at the end, `--write` puts it into docs/benchmarks.md.
 * The method and its limits are described there.
 */
import { parseArgs } from "node:util";

import { Redis } from "ioredis";

import { ALL, loadAll } from "./contenders/catalogue.ts";
import { nowMs } from "./harness/clock.ts";
import { writeDocument } from "./harness/document.ts";
import { Fleet } from "./harness/fleet.ts";
import { machineLine } from "./harness/machine.ts";
import { type Section, sectionMarkdown, sectionText, summary } from "./harness/report.ts";
import { measureCommands, measureFairness } from "./lock/contention.ts";
import { measureDrain } from "./lock/drain.ts";
import type { Environment } from "./lock/environment.ts";
import { measureFaults } from "./lock/faults.ts";
import { measureGuard } from "./lock/guard.ts";
import { measureMemory } from "./lock/memory.ts";
import { measureUncontended } from "./lock/uncontended.ts";
import { measureUpkeep } from "./lock/upkeep.ts";

const PROCESSES = 4;

const SECTIONS = [
  measureUncontended,
  measureDrain,
  measureCommands,
  measureFairness,
  measureUpkeep,
  measureGuard,
  measureFaults,
  measureMemory,
];

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    only: { type: "string" },
    without: { type: "string" },
  },
});

await main();

async function main(): Promise<void> {
  const url = process.env["REDIS_URL"];
  if (url === undefined) throw new Error("set REDIS_URL, or run: npm run bench -- lock");
  const startedMs = nowMs();
  const environment = await prepare(url);
  const sections: Section[] = [];
  const machine = await machineLine(environment.redis);
  // With --markdown, stdout is the document and stderr shows how far it is.
  const show = (text: string): void => (flags.markdown ? console.error(text) : console.log(text));
  show(machine);
  for (const measure of chosenSections()) {
    const section = await measure(environment);
    sections.push(section);
    show(sectionText(section));
  }
  await dispose(environment);
  const { text, missed } = summary(sections);
  const seconds = Math.round((nowMs() - startedMs) / 1_000);
  const mode = flags.quick ? " with --quick: a look, not a figure" : "";
  const line = `${machine}. ${seconds} s${mode}.`;
  const markdown = [line, ...sections.map(sectionMarkdown), `**${text}**`].join("\n\n");
  if (flags.markdown) console.log(markdown);
  if (flags.write) writeDocument("lock", markdown);
  show(`\ntook ${seconds} s${mode}`);
  console.log(text);
  process.exitCode = missed === 0 ? 0 : 1;
}

async function prepare(url: string): Promise<Environment> {
  const left = new Set(flags.without?.split(","));
  const ids = ALL.filter((id) => !left.has(id));
  const worker = new URL("lock.worker.ts", import.meta.url);
  const fleet = await Fleet.start(worker, PROCESSES, { url, ids: [...ids, "redlock5-fast"] });
  const entrants = [];
  for (const contender of await loadAll(ids)) {
    entrants.push({ contender, session: await contender.open(url) });
  }
  let names = 0;
  const run = Date.now().toString(36);
  const name = (what: string): string => `bench-${run}/${what}/${(names += 1)}`;
  return { url, redis: new Redis(url), entrants, fleet, quick: flags.quick, name };
}

async function dispose({ redis, entrants, fleet }: Environment): Promise<void> {
  await fleet.close();
  for (const { session } of entrants) await session.close();
  await redis.quit();
}

function chosenSections(): typeof SECTIONS {
  const only = flags.only?.split(",").map(Number);
  return only === undefined ? SECTIONS : SECTIONS.filter((_, index) => only.includes(index + 1));
}
