/**
 * One job, three backends in this process, on real servers: each tick once, by whichever is first;
 * and a run whose process is gone is run again.
 */
import { createCron, type Cron, type RunContext } from "@quorate/cron";
import { afterAll, beforeAll, describe, it } from "vitest";

import { needs, type ServerProcess, startNats, startRedis } from "../../scripts/servers/index.mjs";
import { connect, type Connected } from "../idempotency/connect.ts";
import { freshNamespace } from "../support/nats-client.ts";

const EVERY_MS = 250;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ENGINES = [
  ["redis", () => startRedis()],
  ["nats", () => startNats()],
] as const;

// Side by side: they wait for ticks and leases, each for its own.
describe.concurrent("scheduled jobs", () => {
  for (const [engine, start] of ENGINES) {
    describe.skipIf(needs(engine).skip)(`on ${engine}`, () => {
      let server: ServerProcess | undefined;
      const links: Connected[] = [];
      const namespace = freshNamespace();

      const member = async (): Promise<Cron> => {
        const link = await connect(engine, server?.url ?? "", namespace);
        links.push(link);
        return createCron(link.backend, { leaseMs: 2_000 });
      };

      beforeAll(async () => {
        server = await start();
      });

      afterAll(async () => {
        await Promise.all(links.map((link) => link.close()));
        await server?.stop();
      });

      it("each tick runs once, in one of three", async ({ expect }) => {
        const fleet = await Promise.all([member(), member(), member()]);
        const runs: RunContext[] = [];
        const when = { everyMs: EVERY_MS };
        for (const cron of fleet) cron.schedule("often", when, (run) => runs.push(run));
        await sleep(2_500);
        await Promise.all(fleet.map((cron) => cron.close()));
        const ticks = runs.map(({ tick }) => tick.getTime());
        expect(ticks.length).toBeGreaterThan(4);
        expect(new Set(ticks).size).toBe(ticks.length);
        // None is left out between the first and the last.
        const first = Math.min(...ticks);
        expect(Math.max(...ticks)).toBe(first + (ticks.length - 1) * EVERY_MS);
        const tokens = runs.map(({ fencingToken }) => fencingToken);
        expect(tokens).toEqual(tokens.toSorted((left, right) => left - right));
      });

      it("a run whose process is gone is run again, with its key and a greater token", async ({
        expect,
      }) => {
        const lost = await connect(engine, server?.url ?? "", namespace);
        const gone = createCron(lost.backend, { leaseMs: 2_000 });
        const heir = await member();
        const runs: RunContext[] = [];
        gone.schedule("seldom", { everyMs: 86_400_000 }, (run) => {
          runs.push(run);
          return new Promise(() => {});
        });
        await gone.trigger("seldom");
        // What a killed process leaves behind: its claim, and a lease that nobody renews.
        await lost.close();
        heir.schedule("seldom", { everyMs: 86_400_000 }, (run) => runs.push(run));
        for (let tries = 0; tries < 300 && runs.length < 2; tries += 1) await sleep(50);
        const [first, again] = runs;
        expect(again).toMatchObject({ key: first?.key, attempt: 2 });
        expect(again?.fencingToken).toBeGreaterThan(first?.fencingToken ?? Infinity);
        await heir.close();
        await gone.close({ graceMs: 0 });
      });
    });
  }
});
