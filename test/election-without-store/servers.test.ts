/**
 * Bully and Ring over the bus of a real server: three members, each on a connection of its own. The
 * epochs are leases of the same server.
 */
import type { Backend } from "@quorate/core";
import { createBullyElection, createRingElection, type HintElection } from "@quorate/election";
import { natsBackend } from "@quorate/nats";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { needs, startNats } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { Rig } from "../redis/rig.ts";
import { connectTo, freshNamespace } from "../support/nats-client.ts";

const IDS = ["a", "b", "c"];
/** Generous against the pauses of a machine on which other tests run. */
const TIMING = { heartbeatMs: 150, suspectAfterMs: 600, answerMs: 150 };
const PATIENCE_MS = 10_000;

const MAKERS = [
  ["bully", createBullyElection],
  ["ring", createRingElection],
] as const;

const members: HintElection[] = [];
afterEach(async () => {
  await Promise.all(members.splice(0).map((member) => member.close()));
});

async function join(
  create: typeof createBullyElection,
  backends: readonly Backend[],
): Promise<readonly HintElection[]> {
  const joined = backends.map((backend, index) =>
    create(backend, "job", {
      self: IDS[index] ?? "",
      members: IDS,
      ...TIMING,
      epochs: backend,
      epochTtlMs: 3_000,
    }),
  );
  members.push(...joined);
  await Promise.all(joined.map((member) => member.start()));
  return joined;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (performance.now() > endMs) {
      expect.fail(`${what}: ${members.map(({ leader }) => leader).join(", ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The greatest leads by an epoch; it closes; the next one leads by a greater one. */
async function leadsAndHandsOver(
  create: typeof createBullyElection,
  backends: readonly Backend[],
): Promise<void> {
  const [a, b, c] = await join(create, backends);
  const all = [a, b, c];
  await until("all name c", () => all.every((one) => one?.leader === "c"));
  const first = c?.epoch?.check() ?? expect.fail("c holds no epoch");
  await until("all know its epoch", () => all.every((one) => one?.hint.epoch === first));
  expect([a?.epoch, b?.epoch]).toEqual([undefined, undefined]);
  await c?.close();
  await until("a and b name b", () => a?.leader === "b" && b?.leader === "b");
  expect(b?.epoch?.check()).toBeGreaterThan(first);
  expect(c?.leader).toBeUndefined();
}

const redis = needs("redis");
describe.skipIf(redis.skip)(`on redis${redis.reason}`, () => {
  let rig: Rig;
  beforeAll(async () => void (rig = await Rig.start()));
  afterAll(() => rig.stop());

  it.each(MAKERS)("%s: the greatest leads, and the next one when it closes", async (_, create) => {
    const namespace = freshNamespace();
    await leadsAndHandsOver(
      create,
      IDS.map(() => rig.open({ namespace })),
    );
  });
});

const nats = needs("nats");
describe.skipIf(nats.skip)(`on nats${nats.reason}`, () => {
  let server: ServerProcess;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => void (server = await startNats({ version: "2.15" })));
  afterAll(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    await server.stop();
  });

  it.each(MAKERS)("%s: the greatest leads, and the next one when it closes", async (_, create) => {
    const namespace = freshNamespace();
    const backends: Backend[] = [];
    for (const _id of IDS) {
      const connection = await connectTo("@nats-io/transport-node", server.url);
      const backend = natsBackend(connection, { namespace });
      closing.push(() => connection.close());
      closing.push(() => backend.close());
      backends.push(backend);
    }
    await leadsAndHandsOver(create, backends);
  });
});
