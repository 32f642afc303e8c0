/**
 * Heartbeats on the buses of real servers: members on connections of their own know one another,
 * miss one that falls silent, take it back, and refuse a namesake.
 */
import type { Backend } from "@quorate/core";
import { createHeartbeats, type Heartbeats } from "@quorate/membership";
import { natsBackend } from "@quorate/nats";
import { afterEach, describe, expect, it } from "vitest";

import { needs, startNats } from "../../scripts/servers/index.mjs";
import { Rig } from "../redis/rig.ts";
import { connectTo, freshNamespace } from "../support/nats-client.ts";

const PATIENCE_MS = 6_000;
const INTERVAL_MS = 100;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function member(backend: Backend, id: string): Heartbeats {
  const members = createHeartbeats(backend, { group: "g", id, intervalMs: INTERVAL_MS });
  closing.push(() => members.close());
  return members;
}

/** Until `observer` sees `id` in `state`. */
async function sees(observer: Heartbeats, id: string, state: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (observer.member(id)?.state !== state) {
    if (performance.now() > endMs) expect.fail(`${id} is ${observer.member(id)?.state}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function checkGroup(backends: readonly [Backend, Backend, Backend]): Promise<void> {
  const [a, b, c] = [
    member(backends[0], "a"),
    member(backends[1], "b"),
    member(backends[2], "c"),
  ] as const;
  for (const one of [a, b, c]) await one.start();
  for (const one of [a, b, c]) for (const id of ["a", "b", "c"]) await sees(one, id, "alive");

  const namesake = member(backends[0], "b");
  await expect(namesake.start()).rejects.toMatchObject({ code: "MEMBER_CONFLICT" });

  const before = a.member("b")?.incarnation ?? Infinity;
  await b.close();
  await sees(a, "b", "down");
  await sees(c, "b", "down");
  const again = member(backends[1], "b");
  await again.start();
  await sees(a, "b", "alive");
  expect(a.member("b")?.incarnation).toBeGreaterThan(before);

  await again.update("green");
  await c.leave();
  await sees(a, "c", "left");
  expect(a.member("b")?.data).toBe("green");
  const { unreadable, implausible, full } = a.dropped;
  expect({ unreadable, implausible, full }).toEqual({ unreadable: 0, implausible: 0, full: 0 });
}

const redis = needs("redis");
describe.skipIf(redis.skip)(`heartbeats on redis${redis.reason}`, () => {
  it("know who lives", async () => {
    const rig = await Rig.start();
    closing.push(() => rig.stop());
    await checkGroup([rig.open(), rig.open(), rig.open()]);
  });
});

const nats = needs("nats");
describe.skipIf(nats.skip)(`heartbeats on nats${nats.reason}`, () => {
  it("know who lives", async () => {
    const server = await startNats({ version: "2.15" });
    closing.push(() => server.stop());
    const namespace = freshNamespace();
    const open = async (): Promise<Backend> => {
      const connection = await connectTo("@nats-io/transport-node", server.url);
      closing.push(() => connection.close());
      const backend = natsBackend(connection, { namespace });
      closing.push(() => backend.close({ graceMs: 0 }));
      return backend;
    };
    await checkGroup([await open(), await open(), await open()]);
  });
});
