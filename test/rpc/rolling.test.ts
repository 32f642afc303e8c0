/**
 * A rolling restart under load: three server processes are drained and replaced one after another
 * on a real server, while one client calls by a registry and another by the queue alone.
 *
 * No call fails, and all old and new processes have served.
 */
import { createRegistry } from "@quorate/discovery";
import { client } from "@quorate/rpc";
import { describe, it } from "vitest";

import { needs, startNats, startRedis } from "../../scripts/servers/index.mjs";
import { connect } from "../idempotency/connect.ts";
import { freshNamespace } from "../support/nats-client.ts";
import { Clock } from "./rolling/contract.ts";
import { Load, ServerChild, type Site } from "./rolling/fleet.ts";

const SERVERS = 3;
const CALLERS = 3;

const ENGINES = [
  { engine: "redis", needed: needs("redis"), start: () => startRedis() },
  { engine: "nats", needed: needs("nats@2.15"), start: () => startNats({ version: "2.15" }) },
] as const;

/** Replaces each of `fleet`, at whose end the new ones stand; the codes that the old ended with. */
async function roll(fleet: ServerChild[], site: Site): Promise<(number | null)[]> {
  const codes: (number | null)[] = [];
  for (const old of [...fleet]) {
    // It starts while the old one drains.
    const replacement = new ServerChild(site);
    fleet.push(replacement);
    codes.push(await old.drain());
    await replacement.ready;
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  return codes;
}

describe.concurrent("a rolling restart under load", () => {
  for (const { engine, needed, start } of ENGINES) {
    it.skipIf(needed.skip)(
      `on ${engine} fails no safe call${needed.reason}`,
      { timeout: 180_000 },
      async ({ expect }) => {
        const server = await start();
        const site = { ENGINE: engine, URL: server.url, NAMESPACE: freshNamespace() };
        const { backend, close } = await connect(engine, site.URL, site.NAMESPACE);
        const registry = createRegistry(backend, { ttlMs: 2_000 });
        const fleet = Array.from({ length: SERVERS }, () => new ServerChild(site));
        try {
          await Promise.all(fleet.map(({ ready }) => ready));
          const view = registry.service(Clock.name, "^1.0.0");
          const clients = [client(backend, Clock, { endpoints: view }), client(backend, Clock)];
          const loads = clients.map((one) => new Load(one, CALLERS));
          const codes = await roll(fleet, site);
          await Promise.all(loads.map((load) => load.stop()));
          expect(codes).toEqual([0, 0, 0]);
          for (const { answered, byPid, failures } of loads) {
            expect(failures).toEqual([]);
            expect(answered).toBeGreaterThan(100);
            expect(byPid.size).toBeGreaterThan(SERVERS);
          }
          await Promise.all(clients.map((one) => one.close()));
        } finally {
          for (const one of fleet) one.kill();
          await registry.close();
          await close();
          await server.stop();
        }
      },
    );
  }
});
