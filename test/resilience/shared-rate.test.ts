/**
 * Shared rates on real servers: three clients, each with a connection of its own, press as hard as
 * they can, and what passes in all is what one limit allows.
 */
import type { Backend } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";

import { exactRateLimit } from "../../packages/resilience/src/slices/exact-rate-limit.ts";
import { sharedRateLimit } from "../../packages/resilience/src/slices/shared-rate-limit.ts";
import { needs, startNats, startRedis } from "../../scripts/servers/index.mjs";
import { connectTo, freshNamespace } from "../support/nats-client.ts";

const INSTANCES = 3;

/** Opens one backend more, which the test's end closes. */
type Open = () => Promise<Backend>;

async function onRedis(): Promise<Open> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const namespace = freshNamespace();
  return async () => {
    const client = new Redis(server.url);
    onTestFinished(() => client.disconnect());
    return redisBackend(client, { namespace });
  };
}

async function onNats(): Promise<Open> {
  const server = await startNats();
  onTestFinished(() => server.stop());
  const namespace = freshNamespace();
  return async () => {
    const connection = await connectTo("nats", server.url);
    onTestFinished(() => connection.close());
    return natsBackend(connection, { namespace });
  };
}

async function fleet(open: Open): Promise<readonly Backend[]> {
  const backends = await Promise.all(Array.from({ length: INSTANCES }, open));
  await Promise.all(backends.map((backend) => backend.ready()));
  return backends;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Each of `tries` is made every few milliseconds for `ms`; how many passed. */
async function press(ms: number, tries: readonly (() => void)[]): Promise<void> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; await pause(4)) {
    for (const attempt of tries) attempt();
  }
}

async function shares(open: Open): Promise<void> {
  const limit = { limit: 500, perMs: 1_000, burst: 50, periodMs: 200 };
  const backends = await fleet(open);
  const limiters = backends.map((backend) => sharedRateLimit(backend, "api", limit));
  const startMs = performance.now();
  let passed = 0;
  const tries = limiters.map((limiter) => () => {
    for (let call = 0; call < 5; call++) if (limiter.tryTake()) passed += 1;
  });
  await press(800, tries);
  const settled = passed;
  const settledMs = performance.now();
  await press(600, tries);
  const endMs = performance.now();
  expect(passed).toBeLessThanOrEqual(50 + INSTANCES + (500 * (endMs - startMs)) / 1_000);
  expect(passed - settled).toBeGreaterThan((0.85 * 500 * (endMs - settledMs)) / 1_000);
  expect(limiters.map(({ stats }) => stats.instances)).toEqual([3, 3, 3]);
  // Who leaves leaves its slice to the others, and they take it within a period or two.
  await limiters[0]?.close();
  await press(300, tries.slice(1));
  expect(limiters[1]?.stats.instances).toBe(2);
  await Promise.all(limiters.map((limiter) => limiter.close()));
}

async function isExact(open: Open): Promise<void> {
  const limit = { limit: 20, perMs: 1_000, burst: 3 };
  const backends = await fleet(open);
  const limiters = backends.map((backend) => exactRateLimit(backend, "mails", limit));
  const startMs = performance.now();
  let passed = 0;
  const calls: Promise<void>[] = [];
  const tries = limiters.map((limiter) => () => {
    calls.push(limiter.run(() => void (passed += 1)).catch(() => {}));
  });
  await press(700, tries);
  await Promise.all(calls);
  const elapsedMs = performance.now() - startMs;
  expect(passed).toBeLessThanOrEqual(3 + (20 * elapsedMs) / 1_000 + 1);
  expect(passed).toBeGreaterThan(10);
  await Promise.all(limiters.map((limiter) => limiter.close()));
}

describe.each([
  ["redis", onRedis],
  ["nats", onNats],
] as const)("on %s", (name, start) => {
  const { skip } = needs(name);
  it.skipIf(skip)("a fleet shares a rate, by slices and exactly", { timeout: 30_000 }, async () => {
    const open = await start();
    await shares(open);
    await isExact(open);
  });
});
