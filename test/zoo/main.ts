/**
 * `npm run zoo`: looks for every specimen, three times over, each time under other seeds.
 *
 *     npm run zoo                          all of them
 *     npm run zoo -- guard token           those whose names have one of these words
 *     npm run zoo -- --rounds 1 --from 500 one tour, from seed 500
 *     npm run zoo -- --write               and puts the table into docs/zoo.md
 *
 * Exit codes: 0 all were found each time, 1 one was not, 2 the command line cannot be followed.
 */
import { parseArgs } from "node:util";

import { SPECIMENS } from "./specimens.ts";
import { tableOf, writeTable } from "./table.ts";
import { type Finding, tour } from "./tour.ts";

/** Seeds of one tour do not meet those of the next. */
const APART = 1_000_000;

/** Budgets are made for the test's fixed seeds; others may take longer. */
const PATIENCE = 3;

process.exitCode = await main();

async function main(): Promise<number> {
  const read = readArgs();
  if (read === undefined) return refuse();
  const { values, positionals: words } = read;
  const [rounds, from] = [Number(values.rounds), Number(values.from)];
  const chosen = SPECIMENS.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  const isSound = [rounds, from].every((count) => Number.isSafeInteger(count) && count > 0);
  if (!isSound || chosen.length === 0 || (values.write && words.length > 0)) {
    return refuse();
  }
  const tours: (readonly Finding[])[] = [];
  for (let round = 0; round < rounds; round++) {
    console.log(`tour ${round + 1} of ${rounds}`);
    const options = { from: from + round * APART, patience: PATIENCE, onFinding: print };
    tours.push(await tour(chosen, options));
  }
  const table = tableOf(tours);
  console.log(`\n${table}`);
  if (values.write) writeTable(table);
  return tours.flat().every(({ found }) => found !== undefined) ? 0 : 1;
}

/** `undefined` where there is an option that is none. */
function readArgs() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: "string", default: "3" },
        from: { type: "string", default: "1" },
        write: { type: "boolean", default: false },
      },
    });
  } catch {
    return undefined;
  }
}

function refuse(): number {
  console.error("usage: npm run zoo -- [words of names] [--rounds 3] [--from 1] | --write");
  return 2;
}

function print({ specimen, found, problem = "", elapsedMs }: Finding): void {
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`.padStart(8);
  const seeds = found === undefined ? "" : `${found.seeds} seeds, "${found.claim}"`;
  console.log(`${seconds}  ${specimen.name.padEnd(40)} ${seeds}${problem}`);
}
