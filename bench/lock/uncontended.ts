/** Claims 1 and 2: what an acquire costs when nobody else wants the lock. */
import type { Redis } from "ioredis";

import { OURS } from "../contenders/catalogue.ts";
import type { ContenderId, Session } from "../contenders/contender.ts";
import { nowMs } from "../harness/clock.ts";
import { countCommands, total } from "../harness/command-counter.ts";
import type { Section } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import { median, medianRatio, quantile } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import { type Entrant, type Environment, TTL_MS } from "./environment.ts";

const ACQUIRE_BAR = 1.5;
const WORKERS = 64;
const COUNTED = 200;
/** Cycles of a sample, for each one that runs alone. */
const PER_SAMPLE = 5;

interface Sample {
  readonly acquireP50: number;
  readonly acquireP99: number;
  readonly releaseP50: number;
  readonly perSecond: number;
  readonly perSecondAt64: number;
}

interface Counted {
  readonly acquire: number;
  readonly cycle: number;
  readonly serverMicros: number;
}

/** Measures both claims in the same rounds. */
export async function measureUncontended(environment: Environment): Promise<Section> {
  const { entrants, quick } = environment;
  // Many short rounds: what the machine does meanwhile then meets both sides of a ratio.
  const cycles = quick ? 100 : 200;
  const rounds = quick ? 10 : 45;
  const samples = await interleave(entrants, rounds, ({ session }) =>
    sampleOnce(session, environment.name("free"), cycles),
  );
  const counted = await countEach(environment);
  return {
    title: "Uncontended",
    method:
      `Medians of ${rounds} interleaved rounds: ${cycles} acquire-and-release cycles one after ` +
      `another, then ${WORKERS} workers at once on one connection, each lock for itself. ` +
      `Counted apart, over ${COUNTED} cycles: commands by MONITOR, and what they cost the server ` +
      "by INFO commandstats.",
    tables: [tableOf(entrants, samples, counted)],
    claims: claimsOf(entrants, samples, counted),
  };
}

async function sampleOnce(session: Session, name: string, cycles: number): Promise<Sample> {
  const acquireMs: number[] = [];
  const releaseMs: number[] = [];
  const startedMs = nowMs();
  for (let cycle = 0; cycle < cycles; cycle++) {
    const beforeMs = nowMs();
    const held = await session.acquire(`${name}/${cycle}`, { ttlMs: TTL_MS });
    const heldMs = nowMs();
    await held.release();
    acquireMs.push(heldMs - beforeMs);
    releaseMs.push(nowMs() - heldMs);
  }
  const tookMs = nowMs() - startedMs;
  return {
    acquireP50: median(acquireMs),
    acquireP99: quantile(acquireMs, 0.99),
    releaseP50: median(releaseMs),
    perSecond: (cycles / tookMs) * 1_000,
    perSecondAt64: await throughput(session, name, cycles * (PER_SAMPLE - 1)),
  };
}

/** Cycles per second of 64 workers; each has locks of its own. */
async function throughput(session: Session, name: string, cycles: number): Promise<number> {
  const each = Math.ceil(cycles / WORKERS);
  const worker = async (_: unknown, index: number): Promise<void> => {
    for (let cycle = 0; cycle < each; cycle++) {
      const held = await session.acquire(`${name}/${index}/${cycle}`, { ttlMs: TTL_MS });
      await held.release();
    }
  };
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return ((each * WORKERS) / (nowMs() - startedMs)) * 1_000;
}

async function countEach(environment: Environment): Promise<Map<ContenderId, Counted>> {
  const { url, redis, entrants, name } = environment;
  const counted = new Map<ContenderId, Counted>();
  for (const { contender, session } of entrants) {
    const base = name("count");
    const acquiring = await countCommands(url);
    const held = [];
    for (let index = 0; index < COUNTED; index++) {
      held.push(await session.acquire(`${base}/${index}`, { ttlMs: TTL_MS }));
    }
    const acquires = await acquiring.stop();
    const releasing = await countCommands(url);
    for (const lock of held) await lock.release();
    const releases = await releasing.stop();

    const used = [acquires, releases].flatMap((sent) => [
      ...(sent.get(contender.id)?.keys() ?? []),
    ]);
    const beforeMicros = await microsSpent(redis, used);
    await sampleOnce(session, `${base}/again`, COUNTED);
    const spentMicros = (await microsSpent(redis, used)) - beforeMicros;

    const acquire = total(acquires, contender.id) / COUNTED;
    const cycle = acquire + total(releases, contender.id) / COUNTED;
    counted.set(contender.id, {
      acquire,
      cycle,
      serverMicros: spentMicros / (COUNTED * PER_SAMPLE),
    });
  }
  return counted;
}

/** Microseconds that the server has spent in `commands` so far; a script's own are within it. */
async function microsSpent(redis: Redis, commands: readonly string[]): Promise<number> {
  const stats = await redis.info("commandstats");
  const spent = [...new Set(commands)].map((command) =>
    Number(new RegExp(`cmdstat_${command}:calls=\\d+,usec=(\\d+)`).exec(stats)?.[1] ?? 0),
  );
  return spent.reduce((sum, micros) => sum + micros, 0);
}

function tableOf(
  entrants: readonly Entrant[],
  samples: ReadonlyMap<Entrant, readonly Sample[]>,
  counted: ReadonlyMap<ContenderId, Counted>,
): Table {
  const rows = entrants.map((entrant) => {
    const own = samples.get(entrant) ?? [];
    const of = (pick: (sample: Sample) => number): string => figure(median(own.map(pick)));
    return [
      entrant.contender.title,
      of((sample) => sample.acquireP50),
      of((sample) => sample.acquireP99),
      of((sample) => sample.releaseP50),
      of((sample) => sample.perSecond),
      of((sample) => sample.perSecondAt64),
      figure(counted.get(entrant.contender.id)?.cycle ?? Number.NaN),
      figure(counted.get(entrant.contender.id)?.serverMicros ?? Number.NaN),
    ];
  });
  const head = [
    "library",
    "acquire p50 ms",
    "p99",
    "release p50",
    "cycles/s, 1",
    "cycles/s, 64",
    "commands/cycle",
    "server µs/cycle",
  ];
  return { head, rows };
}

function claimsOf(
  entrants: readonly Entrant[],
  samples: ReadonlyMap<Entrant, readonly Sample[]>,
  counted: ReadonlyMap<ContenderId, Counted>,
): Section["claims"] {
  const of = (id: ContenderId, pick: (sample: Sample) => number): number[] => {
    const entrant = entrants.find(({ contender }) => contender.id === id);
    return (entrant && samples.get(entrant)?.map(pick)) ?? [];
  };
  const p50 = (sample: Sample): number => sample.acquireP50;
  const at64 = (sample: Sample): number => sample.perSecondAt64;
  const acquireRatio = medianRatio(of(OURS, p50), of("raw", p50));
  const throughputRatio = medianRatio(of(OURS, at64), of("redis-semaphore", at64));
  const commands = counted.get(OURS)?.acquire ?? Number.NaN;
  return [
    {
      name: "an uncontended fenced acquire costs little more than SET NX PX (p50)",
      bar: `≤ ${figure(ACQUIRE_BAR)} × raw`,
      measured: `${figure(acquireRatio)} × raw`,
      held: acquireRatio <= ACQUIRE_BAR,
    },
    {
      name: "one command per acquire",
      bar: `${COUNTED} commands for ${COUNTED} acquires`,
      measured: `${commands * COUNTED}`,
      held: commands === 1,
    },
    {
      name: `cycles/s of ${WORKERS} workers on one connection`,
      bar: "≥ 1.00 × redis-semaphore",
      measured: `${figure(throughputRatio)} ×`,
      held: throughputRatio >= 1,
    },
  ];
}
