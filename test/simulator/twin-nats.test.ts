/**
 * The twin of NATS against a real JetStream: one server, with leases over kv on both sides.
 */
import type { Backend } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { TwinStore } from "@quorate/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ofBus } from "../../packages/conformance/src/mutants/bus.fixture.ts";
import { ofKv } from "../../packages/conformance/src/mutants/kv.fixture.ts";
import { ofLeases } from "../../packages/conformance/src/mutants/leases.fixture.ts";
import { needs, startNats } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { connectTo, type OwnConnection } from "../support/nats-client.ts";
import { type Comparison, compareMany, freshSeed } from "./diff.ts";
import type { Engine } from "./side.ts";

const nats = needs("nats@2.15");

/** What a twin may not do unnoticed. */
const PLANTED = [
  "delete does not compare",
  "retention is forgotten",
  "a watch skips deletes",
  "release frees whoever holds",
];

describe.skipIf(nats.skip)(`the twin of nats${nats.reason}`, () => {
  let server: ServerProcess;
  let real: Engine;
  const connections: OwnConnection[] = [];
  beforeAll(async () => {
    server = await startNats({ version: "2.15" });
    real = {
      name: `nats ${server.version}`,
      open: async (namespace) => {
        const connection = await connectTo("@nats-io/transport-node", server.url);
        connections.push(connection);
        return natsBackend(connection, { namespace, storage: "memory" });
      },
    };
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server.stop();
  });

  const comparison = (mutate: (backend: Backend) => Backend = (same) => same): Comparison => {
    const store = new TwinStore({ engine: "nats" });
    const open = async (namespace: string) => mutate(store.backend({ namespace }));
    return { twin: { name: "twin", open }, real, lapseMs: 600, operations: 40 };
  };

  it("promises what the real one does", async () => {
    const twin = new TwinStore({ engine: "nats" }).backend();
    const backend = await real.open("promises");
    await backend.ready();
    expect(twin.capabilities).toEqual(backend.capabilities);
    expect(twin.name).toBe(backend.name);
    expect(twin.kv.fenced === undefined).toBe(backend.kv.fenced === undefined);
    await Promise.all([twin.close(), backend.close()]);
  });

  it("answers as the real one, over 100 random sequences", async () => {
    const seed = freshSeed();
    await expect(
      compareMany(comparison(), { count: 100, width: 12, seed }),
      `seed ${seed}`,
    ).resolves.toBeUndefined();
  }, 60_000);

  it.each(PLANTED)("is told apart where %s", async (name) => {
    const planted = [...ofKv, ...ofLeases, ...ofBus].find((mutant) => mutant.name === name);
    const mutate = planted?.mutate ?? expect.fail(`there is no mutant called ${name}`);
    const options = { count: 80, width: 8, seed: 1 };
    const against = { ...comparison(mutate), operations: 80, patienceMs: 300 };
    await expect(compareMany(against, options)).rejects.toThrow("differ in");
  });
});
