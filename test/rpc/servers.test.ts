/**
 * Unary calls between two processes on real servers: types, cancels, deadlines over clocks that
 * differ, work that comes too late, and a server that dies in mid-call.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { type Backend, isQuorateError, type Ms, systemRuntime } from "@quorate/core";
import { createRegistry } from "@quorate/discovery";
import { client } from "@quorate/rpc";
import { afterEach, describe, expect, it } from "vitest";

import { needs, startNats, startRedis } from "../../scripts/servers/index.mjs";
import { connect } from "../idempotency/connect.ts";
import { freshNamespace } from "../support/nats-client.ts";
import { Probe } from "./servers.contract.ts";

const CHILD = fileURLToPath(new URL("servers.child.ts", import.meta.url));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function startServer(engine: string, url: string, namespace: string): Promise<ChildProcess> {
  const args = ["-C", "@quorate/source", "--import", "tsx", CHILD, engine, url, namespace];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  closing.push(() => child.kill("SIGKILL"));
  await heard(child, "ready");
  return child;
}

async function heard(child: ChildProcess, word: string): Promise<void> {
  for (;;) {
    const [said] = (await once(child, "message")) as [unknown];
    if (said === word) return;
  }
}

/** The same backend, in a process whose clock is that far ahead. */
function ahead(backend: Backend, offsetMs: Ms): Backend {
  const { bus, capabilities, kv, leases, name } = backend;
  const time = {
    ...systemRuntime.time,
    monotonicMs: () => systemRuntime.time.monotonicMs() + offsetMs,
  };
  const close = async (): Promise<void> => {};
  return {
    name,
    kv,
    leases,
    bus,
    capabilities,
    runtime: { ...systemRuntime, time },
    ready: (options) => backend.ready(options),
    health: (options) => backend.health(options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function checkDeadlines(backend: Backend, offsetMs: Ms): Promise<void> {
  const probe = client(ahead(backend, offsetMs), Probe, { presence: false });
  closing.push(() => probe.close({ graceMs: 0 }));
  const errors: number[] = [];
  for (let count = 0; count < 15; count += 1) {
    const trueMs = systemRuntime.time.monotonicMs() + 5_000;
    const { deadlineMs } = await probe.deadline({ text: "a" }, { timeoutMs: 5_000 });
    errors.push(Math.abs(deadlineMs - trueMs));
  }
  // Not the first ones: what a connection costs to begin with is on the way of the first.
  const [, , , , , ...known] = errors;
  expect(Math.min(...known), `${offsetMs} ms: ${errors.join(", ")}`).toBeLessThan(20);
}

async function check(engine: string, url: string): Promise<void> {
  const namespace = freshNamespace();
  const server = await startServer(engine, url, namespace);
  const { backend, close } = await connect(engine, url, namespace);
  closing.push(close);
  const probe = client(backend, Probe, { presence: false, timeoutMs: 20_000 });
  closing.push(() => probe.close({ graceMs: 0 }));

  expect((await probe.deadline({ text: "é" })).text).toBe("é");
  for (const offsetMs of [0, 600_000, -600_000]) await checkDeadlines(backend, offsetMs);

  const cancelled = new AbortController();
  const hanging = probe.hang({ text: "" }, { signal: cancelled.signal });
  await heard(server, "began");
  cancelled.abort(new Error("enough"));
  await expect(hanging).rejects.toThrow("enough");
  await heard(server, "stopped");

  // The server stands still while the call's time runs out, and then does not run it.
  server.kill("SIGSTOP");
  const late = probe.hang({ text: "" }, { timeoutMs: 100 });
  await expect(late).rejects.toMatchObject({ code: "TIMEOUT", effect: "unknown" });
  await sleep(50);
  server.kill("SIGCONT");
  expect(await probe.counts({})).toEqual({ expired: 1, cancelled: 1 });

  const registry = createRegistry(backend, { ttlMs: 1_000 });
  closing.push(() => registry.close());
  const endpoints = registry.service("probe", "^1.0.0");
  const finding = client(backend, Probe, { presence: false, timeoutMs: 20_000, endpoints });
  closing.push(() => finding.close({ graceMs: 0 }));
  const dying = finding.hang({ text: "" }).catch((error: unknown) => error);
  await heard(server, "began");
  const killedMs = performance.now();
  server.kill("SIGKILL");
  const error = await dying;
  expect(isQuorateError(error, "OUTCOME_UNKNOWN"), String(error)).toBe(true);
  expect(performance.now() - killedMs).toBeLessThan(6_000);
  // Whoever asks the queue is told as soon as the engine knows: nothing ran.
  if (engine === "nats") {
    const nobody = probe.counts({}, { timeoutMs: 2_000 });
    await expect(nobody).rejects.toMatchObject({ code: "NO_RESPONDERS", effect: "none" });
  }
}

const redis = needs("redis");
describe.skipIf(redis.skip)(`calls over redis${redis.reason}`, () => {
  it("keep their deadlines, are cancelled, dropped and told of a death", async () => {
    const server = await startRedis();
    closing.push(() => server.stop());
    await check("redis", server.url);
  });
});

const nats = needs("nats");
describe.skipIf(nats.skip)(`calls over nats${nats.reason}`, () => {
  it("keep their deadlines, are cancelled, dropped and told of a death", async () => {
    const server = await startNats({ version: "2.9" });
    closing.push(() => server.stop());
    await check("nats", server.url);
  });
});
