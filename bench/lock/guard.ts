/** Claim 7: what it costs that a stale holder is refused. */
import { randomBytes } from "node:crypto";

import { createGuard, createLocks } from "@quorate/lock";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

import { nowMs } from "../harness/clock.ts";
import type { Section } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import { median, medianRatio, quantile } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { type Environment, TTL_MS } from "./environment.ts";

const WRITE_BAR = 1.3;
const VALUE_BYTES = 100;

interface Way {
  readonly title: string;
  write(): Promise<unknown>;
}

/** Fenced writes beside plain ones, in the same rounds. */
export async function measureGuard({ url, name, quick }: Environment): Promise<Section> {
  const redis = new Redis(url);
  const backend = redisBackend(redis);
  const lock = await createLocks(backend).acquire(name("guard"), { ttlMs: TTL_MS });
  const fenced = await createGuard(backend.kv).open(lock, name("guarded"));
  const plainKey = `raw:${name("plain")}`;
  const value = randomBytes(VALUE_BYTES);
  const plain: Way = {
    title: "SET (fences nothing)",
    write: () => redis.set(plainKey, value),
  };
  const checked: Way = {
    title: "GET, compare, SET (a race)",
    async write() {
      await redis.getBuffer(plainKey);
      await redis.set(plainKey, value);
    },
  };
  const guarded: Way = { title: "quorate guard: fenced write", write: () => fenced.write(value) };
  const ways = [guarded, plain, checked];

  const rounds = quick ? 10 : 45;
  const calls = quick ? 100 : 200;
  const samples = await interleave(ways, rounds, ({ write }) => timeCalls(calls, write));
  await redis.del(plainKey);
  await lock.release();
  await backend.close();
  await redis.quit();

  const p50 = (way: Way): number[] => (samples.get(way) ?? []).map((times) => median(times));
  const p99 = (way: Way): number => median((samples.get(way) ?? []).map((t) => quantile(t, 0.99)));
  const ratio = medianRatio(p50(guarded), p50(plain));
  return {
    title: "A fenced write",
    method:
      `Medians of ${rounds} interleaved rounds of ${calls} writes of ${VALUE_BYTES} bytes, one ` +
      "after another on one connection. None of the other libraries has a guard.",
    tables: [
      {
        head: ["write", "p50 ms", "p99", "× SET"],
        rows: ways.map((way) => [
          way.title,
          figure(median(p50(way))),
          figure(p99(way)),
          figure(medianRatio(p50(way), p50(plain))),
        ]),
      },
    ],
    claims: [
      {
        name: "a fenced write costs little more than SET (p50)",
        bar: `≤ ${figure(WRITE_BAR)} × SET`,
        measured: `${figure(ratio)} × SET`,
        held: ratio <= WRITE_BAR,
      },
    ],
  };
}

async function timeCalls(calls: number, call: () => Promise<unknown>): Promise<number[]> {
  const timesMs: number[] = [];
  for (let index = 0; index < calls; index++) {
    const beforeMs = nowMs();
    await call();
    timesMs.push(nowMs() - beforeMs);
  }
  return timesMs;
}
