/**
 * `npm run simulate -- <scenario>`: many seeds of one scenario, or one of them again; `figures`
 * for all of them, as docs/simulator.md shows them.
 *
 * Exit codes: 0 all claims held, 1 one did not, 2 the command line cannot be followed, 130 Ctrl-C.
 */
import { type EngineName, type Failure, failureText } from "@quorate/simulator";

import { again, write } from "./cli/again.ts";
import { BadChoice, type Choice, parseChoice, setupOf } from "./cli/choice.ts";
import { commandFor, type Setup } from "./cli/options-for.ts";
import { figures } from "./cli/figures.ts";
import { Counter } from "./cli/progress.ts";
import { runSetup } from "./cli/run.ts";
import { happenings, type Row, table } from "./cli/table.ts";

const SHOWN_LINES = 40;

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

try {
  const [name, ...args] = process.argv.slice(2);
  process.exitCode = name === "figures" ? await figures(args, rowsOf) : await simulateOne();
} catch (error) {
  if (stop.signal.aborted) {
    console.error("stopped: every seed until here held");
    process.exitCode = 130;
  } else if (error instanceof BadChoice) {
    console.error(error.message);
    process.exitCode = 2;
  } else throw error;
}

/** Seeds are dealt to the engines in turn, so that a seed alone says its engine. */
function engineOf({ engines }: Choice, seed: bigint): EngineName {
  return engines[Number(seed % BigInt(engines.length))] ?? "memory";
}

async function simulateOne(): Promise<number> {
  const choice = parseChoice(process.argv.slice(2));
  const { seed } = choice;
  if (seed !== undefined) return again(choice, engineOf(choice, BigInt(seed)), seed);
  const rows = await rowsOf(choice);
  if (rows === undefined) return 1;
  console.log(`${table(rows)}\n\n${happenings(rows)}`);
  return 0;
}

/** A row per engine; `undefined` after a failure, which was told. */
async function rowsOf(choice: Choice): Promise<readonly Row[] | undefined> {
  const { scenario, profile, from, engines, workers } = choice;
  const seeds = Array.from({ length: choice.seeds }, (_, index) => {
    return BigInt.asUintN(64, from + BigInt(index));
  });
  const range = `0x${from.toString(16)} to 0x${(seeds.at(-1) ?? from).toString(16)}`;
  console.log(`${scenario.name}: ${scenario.claim}\n${profile}, seeds ${range}\n`);
  const counter = new Counter(seeds.length);
  const rows: Row[] = [];
  for (const engine of engines) {
    const mine = seeds.filter((seed) => engineOf(choice, seed) === engine);
    if (mine.length === 0) continue;
    const onProgress = counter.heard.bind(counter);
    const setup = setupOf(choice, engine);
    const row = await runSetup(setup, { seeds: mine, workers, signal: stop.signal, onProgress });
    counter.add(mine.length);
    rows.push(row);
    const [failure] = row.report.failures;
    if (failure === undefined) continue;
    counter.end();
    tell(choice, rows, setup, failure);
    return undefined;
  }
  counter.end();
  return rows;
}

function tell(choice: Choice, rows: readonly Row[], setup: Setup, failure: Failure): void {
  const replay = commandFor(setup, failure.seed);
  console.log(`${table(rows)}\n\n${failureText({ ...failure, replay }, SHOWN_LINES)}`);
  if (choice.html !== undefined) write(choice.html, failure);
}
