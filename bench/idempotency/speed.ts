/** What a first call and a replay cost: one at a time, and 64 at once. */
import { Redis } from "ioredis";

import { nowMs } from "../harness/clock.ts";
import { breakdown, countCommands, total } from "../harness/command-counter.ts";
import type { Claim } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import type { Measure } from "../harness/run.ts";
import { median, medianRatio } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import { TIMED } from "./contenders/catalogue.ts";
import type { Contender, Request, Session } from "./contenders/contender.ts";
import { powertools } from "./contenders/powertools.ts";
import { quorate } from "./contenders/quorate.ts";
import { redisUrl } from "./redis-url.ts";

const WORKERS = 64;
const COUNTED = 200;
const REPLAYS_PER_SECOND = 30_000;
const REPLAY_BAR = 1.5;
/** What is left of a Lambda's time: Powertools prints a warning per call where it is not told. */
const LEASE_MS = 30_000;
/** Calls with 64 at once, for each one that runs alone. */
const PER_SAMPLE = 5;

interface Entrant {
  readonly contender: Contender;
  readonly session: Session;
}

/** Calls per second and, alone, the middle time of one. */
interface Sample {
  readonly firstP50: number;
  readonly firstPerSecond: number;
  readonly replayP50: number;
  readonly replaysPerSecond: number;
}

/** Both kinds of calls in the same rounds, and their round trips counted apart. */
export const measureSpeed: Measure = async ({ quick }) => {
  const url = redisUrl();
  const entrants = await Promise.all(
    TIMED.map(async (contender) => ({
      contender,
      session: await contender.open({ url, leaseMs: LEASE_MS }),
    })),
  );
  const calls = quick ? 100 : 400;
  const rounds = quick ? 7 : 25;
  const samples = await interleave(entrants, rounds, ({ session }) => sampleOnce(session, calls));
  const trips = await countTrips(url, entrants);
  for (const { session } of entrants) await session.close();
  const redis = new Redis(url);
  const version = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1] ?? "?";
  redis.disconnect();
  return {
    title: "First calls and replays",
    method:
      `Redis ${version} on loopback, a payload and an answer of 200 bytes. Medians of ${rounds} ` +
      `interleaved rounds: ${calls} calls one after another, then ${calls * PER_SAMPLE} by ` +
      `${WORKERS} workers on one connection, each first for new keys and then for the same. ` +
      `Round trips are counted apart by MONITOR over ${COUNTED} calls. Ours on ioredis; ` +
      "Powertools on @redis/client 6, told of a Lambda's time left; @node-idempotency on its own " +
      "adapter.",
    tables: [tableOf(entrants, samples, trips)],
    claims: claimsOf(entrants, samples, trips),
  };
};

let keys = 0;

/** 200 bytes as JSON, like a small order; the key is new. */
function newRequest(): Request {
  const key = `bench-${process.pid}-${nowMs().toString(36)}-${(keys += 1)}`;
  const payload = {
    orderId: key,
    currency: "EUR",
    cents: 1_250,
    items: [
      { sku: "a-1", quantity: 2 },
      { sku: "b-2", quantity: 1 },
    ],
    note: "leave it with the neighbour, please",
  };
  return { key, user: "user-7", payload };
}

const ANSWER = { chargeId: "ch_9", status: "succeeded", note: "x".repeat(140) };
const work = (): typeof ANSWER => ANSWER;

async function sampleOnce(session: Session, calls: number): Promise<Sample> {
  const alone = Array.from({ length: calls }, newRequest);
  const crowd = Array.from({ length: calls * PER_SAMPLE }, newRequest);
  const firstP50 = await timeEach(session, alone);
  const firstPerSecond = await timeAll(session, crowd);
  const replayP50 = await timeEach(session, alone);
  const replaysPerSecond = await timeAll(session, crowd);
  return { firstP50, firstPerSecond, replayP50, replaysPerSecond };
}

/** The middle time of a call, one after another. */
async function timeEach(session: Session, requests: readonly Request[]): Promise<number> {
  const times: number[] = [];
  for (const request of requests) {
    const beforeMs = nowMs();
    await session.run(request, work);
    times.push(nowMs() - beforeMs);
  }
  return median(times);
}

/** Calls per second of 64 workers. */
async function timeAll(session: Session, requests: readonly Request[]): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      await session.run(request, work);
    }
  };
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return (requests.length / (nowMs() - startedMs)) * 1_000;
}

interface Trips {
  readonly first: number;
  readonly replay: number;
  readonly commands: string;
}

async function countTrips(
  url: string,
  entrants: readonly Entrant[],
): Promise<ReadonlyMap<Contender, Trips>> {
  const trips = new Map<Contender, Trips>();
  for (const { contender, session } of entrants) {
    const requests = Array.from({ length: COUNTED }, newRequest);
    const counts: number[] = [];
    const commands: string[] = [];
    for (const _ of ["first", "replay"]) {
      const counting = await countCommands(url);
      for (const request of requests) await session.run(request, work);
      const sent = await counting.stop();
      counts.push(total(sent, contender.id) / COUNTED);
      commands.push(breakdown(sent, contender.id));
    }
    const [first = Number.NaN, replay = Number.NaN] = counts;
    trips.set(contender, { first, replay, commands: commands.join("; then ") });
  }
  return trips;
}

function tableOf(
  entrants: readonly Entrant[],
  samples: ReadonlyMap<Entrant, readonly Sample[]>,
  trips: ReadonlyMap<Contender, Trips>,
): Table {
  const rows = entrants.map((entrant) => {
    const own = samples.get(entrant) ?? [];
    const of = (pick: (sample: Sample) => number): string => figure(median(own.map(pick)));
    const counted = trips.get(entrant.contender);
    return [
      entrant.contender.title,
      of((sample) => sample.firstP50),
      of((sample) => sample.firstPerSecond),
      figure(counted?.first ?? Number.NaN),
      of((sample) => sample.replayP50),
      of((sample) => sample.replaysPerSecond),
      figure(counted?.replay ?? Number.NaN),
    ];
  });
  const head = [
    "library",
    "first call p50 ms",
    "first calls/s, 64",
    "round trips",
    "replay p50 ms",
    "replays/s, 64",
    "round trips",
  ];
  return { head, rows };
}

function claimsOf(
  entrants: readonly Entrant[],
  samples: ReadonlyMap<Entrant, readonly Sample[]>,
  trips: ReadonlyMap<Contender, Trips>,
): Claim[] {
  const of = (contender: Contender, pick: (sample: Sample) => number): number[] => {
    const entrant = entrants.find((one) => one.contender === contender);
    return entrant === undefined ? [] : (samples.get(entrant) ?? []).map(pick);
  };
  const ratio = (name: string, bar: number, pick: (sample: Sample) => number): Claim => {
    const measured = medianRatio(of(quorate, pick), of(powertools, pick));
    return {
      name,
      bar: `≥ ${figure(bar)} × Powertools`,
      measured: `${figure(measured)} ×`,
      held: measured >= bar,
    };
  };
  const replays = median(of(quorate, (sample) => sample.replaysPerSecond));
  const { first = Number.NaN, replay = Number.NaN, commands = "" } = trips.get(quorate) ?? {};
  return [
    ratio("replays at 64", REPLAY_BAR, (sample) => sample.replaysPerSecond),
    {
      name: "replays at 64",
      bar: `≥ ${figure(REPLAYS_PER_SECOND)} /s`,
      measured: `${figure(replays)} /s`,
      held: replays >= REPLAYS_PER_SECOND,
    },
    ratio("first calls at 64", 1, (sample) => sample.firstPerSecond),
    {
      name: "round trips of a first call and of a replay",
      bar: "2 and 1",
      measured: `${figure(first)} and ${figure(replay)} (${commands})`,
      held: first === 2 && replay === 1,
    },
  ];
}
