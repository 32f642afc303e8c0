/** Calls per second and what one takes: alone, and with 127 others. */
import type { Claim } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import type { Measure } from "../harness/run.ts";
import { median, medianRatio } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import { ALL, load } from "./catalogue.ts";
import type { RpcContender, RpcId, RpcSample, Urls } from "./contender.ts";
import { SIZES } from "./orders.ts";
import { Pair } from "./pair.ts";

const AT_ONCE = 128;
/** Calls one after another, for each ten that are made with others. */
const ALONE_SHARE = 20;
const BAR_PER_SECOND = 55_000;
const BAR_P50_MS = 2;
const BAR_GRPC = 5;

interface Entrant {
  readonly pair: Pair;
  readonly contender: RpcContender;
}

interface Sample {
  readonly alone: RpcSample;
  readonly crowd: RpcSample;
}

/** All ways in the same rounds, each with two processes of its own. */
export const measureSpeed: Measure = async ({ quick }) => {
  const urls: Urls = { nats: given("NATS_URL"), redis: given("REDIS_URL") };
  const entrants: Entrant[] = [];
  try {
    for (const id of ALL) {
      entrants.push({ pair: await Pair.start(id, urls), contender: await load(id) });
    }
    const rounds = quick ? 3 : 9;
    const samples = await interleave(entrants, rounds, sampleOnce);
    return {
      title: "Typed calls between two processes",
      method:
        `A question of ${SIZES.input} bytes and an answer of ${SIZES.output}, both checked by ` +
        "zod on both sides, whoever carries them. Client and server are processes of their own, " +
        `on one machine with the broker. Medians of ${rounds} interleaved rounds: one call ` +
        `after another, then ${AT_ONCE} at any time. Quorate runs with its defaults.`,
      tables: [tableOf(samples)],
      claims: claimsOf(samples),
    };
  } finally {
    for (const { pair } of entrants) await pair.close();
  }
};

async function sampleOnce({ contender, pair }: Entrant): Promise<Sample> {
  const alone = await pair.measure(contender.crowd / ALONE_SHARE, 1);
  return { alone, crowd: await pair.measure(contender.crowd, AT_ONCE) };
}

function tableOf(samples: ReadonlyMap<Entrant, readonly Sample[]>): Table {
  return {
    head: ["", "alone /s", "alone p50 ms", "128 at once /s", "p50 ms", "p99 ms"],
    rows: [...samples].map(([{ contender }, of]) => [
      contender.title,
      figure(median(of.map(({ alone }) => alone.perSecond))),
      figure(median(of.map(({ alone }) => alone.p50Ms))),
      figure(median(of.map(({ crowd }) => crowd.perSecond))),
      figure(median(of.map(({ crowd }) => crowd.p50Ms))),
      figure(median(of.map(({ crowd }) => crowd.p99Ms))),
    ]),
  };
}

function claimsOf(samples: ReadonlyMap<Entrant, readonly Sample[]>): Claim[] {
  const of = (id: RpcId, what: (sample: RpcSample) => number): readonly number[] => {
    for (const [{ pair }, list] of samples) {
      if (pair.id === id) return list.map(({ crowd }) => what(crowd));
    }
    return [];
  };
  const rate = (id: RpcId): readonly number[] => of(id, ({ perSecond }) => perSecond);
  const ours = rate("quorate-nats");
  const perSecond = median(ours);
  const p50Ms = median(of("quorate-nats", (sample) => sample.p50Ms));
  const beside = (name: string, id: RpcId, bar: number): Claim => {
    const ratio = medianRatio(ours, rate(id));
    return {
      name: `on NATS, beside ${name}`,
      bar: `≥ ${bar} ×`,
      measured: `${ratio.toFixed(2)} ×`,
      held: ratio >= bar,
    };
  };
  return [
    {
      name: `calls on NATS, ${AT_ONCE} at once`,
      bar: `≥ ${BAR_PER_SECOND} /s`,
      measured: `${Math.round(perSecond)} /s`,
      held: perSecond >= BAR_PER_SECOND,
    },
    {
      name: "median of a call among them",
      bar: `≤ ${BAR_P50_MS} ms`,
      measured: `${p50Ms.toFixed(2)} ms`,
      held: p50Ms <= BAR_P50_MS,
    },
    beside("Moleculer", "moleculer", 1),
    beside("the client's own request", "nats-request", 1),
    beside("gRPC-js", "grpc", BAR_GRPC),
  ];
}

function given(name: "REDIS_URL" | "NATS_URL"): string {
  const url = process.env[name];
  if (url === undefined) throw new Error(`set ${name}, or run: npm run bench -- rpc`);
  return url;
}
