/** Sagas per second, and what one takes: that succeed, and that are undone. */
import { startPostgres } from "../../scripts/servers/index.mjs";
import { nowMs } from "../harness/clock.ts";
import type { Claim } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import type { Measure } from "../harness/run.ts";
import { median } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import type { Contender, Servers, Session } from "./contender.ts";
import { dbos } from "./dbos.ts";
import { nodeSagas } from "./node-sagas.ts";
import { plain } from "./plain.ts";
import { onMemory, onNats, onRedis } from "./quorate.ts";

const CONTENDERS: readonly Contender[] = [plain, nodeSagas, onMemory, onRedis, onNats, dbos];
const AT_ONCE = 32;
/** Sagas one after another, for each ten that run with others. */
const ALONE_SHARE = 10;
const REDIS_BAR = 8_000;
const NATS_BAR = 2_500;
const MEMORY_BAR = 50_000;

interface Entrant {
  readonly contender: Contender;
  readonly session: Session;
}

interface Sample {
  readonly aloneMs: number;
  readonly perSecond: number;
  readonly undonePerSecond: number;
}

/** All libraries in the same rounds. */
export const measureSpeed: Measure = async ({ quick }) => {
  const postgres = await startPostgres();
  const servers: Servers = {
    redis: given("REDIS_URL"),
    nats: given("NATS_URL"),
    postgres: postgres.url,
  };
  const entrants: Entrant[] = [];
  try {
    for (const contender of CONTENDERS) {
      entrants.push({ contender, session: await contender.open(servers) });
    }
    const rounds = quick ? 3 : 9;
    const samples = await interleave(entrants, rounds, sampleOnce);
    return {
      title: "Sagas of three steps",
      method:
        "Three steps whose services answer at once, so that what is measured is the library and " +
        `its store. Medians of ${rounds} interleaved rounds: one after another, then ${AT_ONCE} ` +
        "at once, then the same with a third step that says no and two that are undone. " +
        "node-sagas and the first row keep nothing. Redis writes no file in this run; NATS " +
        `JetStream keeps its stream in files; PostgreSQL ${postgres.version} does not wait for ` +
        "its disk (fsync off), which is to its advantage. One process each, on one machine.",
      tables: [tableOf(entrants, samples)],
      claims: claimsOf(entrants, samples),
    };
  } finally {
    for (const { session } of entrants) await session.close();
    await postgres.stop();
  }
};

let ids = 0;
const newId = (): string => `saga-${process.pid}-${(ids += 1)}`;

async function sampleOnce({ contender, session }: Entrant): Promise<Sample> {
  const { crowd } = contender;
  const times: number[] = [];
  for (let count = 0; count < Math.max(5, crowd / ALONE_SHARE); count += 1) {
    const beforeMs = nowMs();
    await session.succeed(newId());
    times.push(nowMs() - beforeMs);
  }
  const perSecond = await timeAll(crowd, (id) => session.succeed(id));
  const undonePerSecond = await timeAll(crowd / 2, (id) => session.compensate(id));
  return { aloneMs: median(times), perSecond, undonePerSecond };
}

async function timeAll(count: number, run: (id: string) => Promise<void>): Promise<number> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await run(newId());
    }
  };
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (count / (nowMs() - startedMs)) * 1_000;
}

function given(name: string): string {
  const url = process.env[name];
  if (url === undefined) throw new Error(`set ${name}, or run: npm run bench -- saga`);
  return url;
}

function tableOf(
  entrants: readonly Entrant[],
  samples: ReadonlyMap<Entrant, readonly Sample[]>,
): Table {
  const rows = entrants.map((entrant) => {
    const own = samples.get(entrant) ?? [];
    const of = (pick: (sample: Sample) => number): string => figure(median(own.map(pick)));
    return [
      entrant.contender.title,
      of(({ aloneMs }) => aloneMs),
      of(({ perSecond }) => perSecond),
      of(({ undonePerSecond }) => undonePerSecond),
    ];
  });
  const head = ["library", "one, p50 ms", `sagas/s, ${AT_ONCE} at once`, "undone/s"];
  return { head, rows };
}

function claimsOf(
  entrants: readonly Entrant[],
  samples: ReadonlyMap<Entrant, readonly Sample[]>,
): Claim[] {
  const rate = (contender: Contender): number => {
    const entrant = entrants.find((one) => one.contender === contender);
    const own = entrant === undefined ? [] : (samples.get(entrant) ?? []);
    return median(own.map(({ perSecond }) => perSecond));
  };
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
