/** Sagas per second, and what one takes: that succeed, and that are undone. */
import { startPostgres } from "../../scripts/servers/index.mjs";
import type { Claim } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import type { Measure } from "../harness/run.ts";
import { median } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import { CONTENDERS } from "./catalogue.ts";
import type { Contender, Servers } from "./contender.ts";
import { dbos } from "./dbos.ts";
import { AT_ONCE, OwnProcess, type Sample } from "./own-process.ts";
import { onMemory, onNats, onRedis } from "./quorate.ts";

const REDIS_BAR = 8_000;
const NATS_BAR = 2_500;
const MEMORY_BAR = 50_000;

/** All libraries in the same rounds. */
export const measureSpeed: Measure = async ({ quick }) => {
  const postgres = await startPostgres();
  const servers: Servers = {
    redis: given("REDIS_URL"),
    nats: given("NATS_URL"),
    postgres: postgres.url,
  };
  const entrants: OwnProcess[] = [];
  try {
    for (const { id } of CONTENDERS) entrants.push(await OwnProcess.open(id, servers));
    const rounds = quick ? 3 : 9;
    const samples = await interleave(entrants, rounds, (entrant) => entrant.sample());
    return {
      title: "Sagas of three steps",
      method:
        "Three steps whose services answer at once, so that what is measured is the library and " +
        `its store. Medians of ${rounds} interleaved rounds: one after another, then ${AT_ONCE} ` +
        "at once, then the same with a third step that says no and two that are undone. " +
        "node-sagas and the first row keep nothing. Redis writes no file in this run; NATS " +
        `JetStream keeps its stream in files; PostgreSQL ${postgres.version} does not wait for ` +
        "its disk (fsync off), which is to its advantage. A process for each row, which loads no " +
        "library of another, on one machine, one at a time: together each paid for the hooks, " +
        "the garbage and the slower strings of all. " +
        "A round begins with half as many that are not counted, and in memory with a new store.",
      tables: [tableOf(samplesOf(samples))],
      claims: claimsOf(samplesOf(samples)),
    };
  } finally {
    await Promise.all(entrants.map((entrant) => entrant.close()));
    await postgres.stop();
  }
};

function given(name: string): string {
  const url = process.env[name];
  if (url === undefined) throw new Error(`set ${name}, or run: npm run bench -- saga`);
  return url;
}

type Samples = (contender: Contender) => readonly Sample[];

function samplesOf(measured: ReadonlyMap<OwnProcess, readonly Sample[]>): Samples {
  const byId = new Map([...measured].map(([{ id }, samples]) => [id, samples]));
  return ({ id }) => byId.get(id) ?? [];
}

function tableOf(samples: Samples): Table {
  const rows = CONTENDERS.map((contender) => {
    const own = samples(contender);
    const of = (pick: (sample: Sample) => number): string => figure(median(own.map(pick)));
    return [
      contender.title,
      of(({ aloneMs }) => aloneMs),
      of(({ perSecond }) => perSecond),
      of(({ undonePerSecond }) => undonePerSecond),
    ];
  });
  const head = ["library", "one, p50 ms", `sagas/s, ${AT_ONCE} at once`, "undone/s"];
  return { head, rows };
}

function claimsOf(samples: Samples): Claim[] {
  const rate = (contender: Contender): number =>
    median(samples(contender).map(({ perSecond }) => perSecond));
  const claim = (name: string, contender: Contender, bar: number): Claim => {
    const measured = rate(contender);
    return {
      name: `sagas of three steps on ${name}, ${AT_ONCE} at once`,
      bar: `≥ ${figure(bar)} /s`,
      measured: `${figure(measured)} /s, ${figure(measured / rate(dbos))} × DBOS`,
      held: measured >= bar,
    };
  };
  return [
    claim("Redis", onRedis, REDIS_BAR),
    claim("NATS", onNats, NATS_BAR),
    claim("memory", onMemory, MEMORY_BAR),
  ];
}
