/**
 * Three nodes, three copies: what a quorum keeps when a node dies or stands still. One line of the
 * server a day, both with `QUORATE_SLICE=all`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Backend, Change } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { startNats, startNatsCluster } from "../scripts/servers/index.mjs";
import type { NatsCluster, ServerProcess } from "../scripts/servers/types.ts";
import { ofToday } from "./support/by-day.ts";
import { askApi, connectTo, freshNamespace, type OwnConnection } from "./support/nats-client.ts";
import { contend, type Held, increment, judgeHolders, type Tally } from "./support/nats-load.ts";

const CALL_MS = 3_000;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe.each(ofToday(["2.15", "2.10"] as const, 2))(
  "three copies on nats-server %s",
  (version) => {
    const namespace = freshNamespace();
    const connections: OwnConnection[] = [];
    const backends: Backend[] = [];
    let cluster: NatsCluster;
    let admin: OwnConnection;

    beforeAll(async () => {
      cluster = await startNatsCluster({ version });
      admin = await connectTo("nats", [...cluster.urls]);
      for (let index = 0; index < 4; index++) {
        const client = index % 2 === 0 ? "nats" : "@nats-io/transport-node";
        const connection = await connectTo(client, [...cluster.urls]);
        connections.push(connection);
        backends.push(
          natsBackend(connection, { namespace, replicas: 3, requestTimeoutMs: CALL_MS }),
        );
      }
      await Promise.all(backends.map((backend) => backend.ready()));
    });

    afterAll(async () => {
      await Promise.all(backends.map((backend) => backend.close({ graceMs: 0 })));
      await Promise.all([admin, ...connections].map((connection) => connection.close()));
      await cluster.stop();
    });

    async function leader(): Promise<ServerProcess> {
      const info = await askApi(admin, `STREAM.INFO.QUORATE_${namespace}`);
      const name = (info["cluster"] as { leader: string }).leader;
      const node = cluster.nodes[Number(name.slice(1))];
      if (node === undefined) throw new Error(`no node ${name}`);
      return node;
    }

    async function countTo(key: string): Promise<number> {
      const entry = await backends[0]?.kv.get(key, { timeoutMs: 20_000 });
      return Number(Buffer.from(entry?.value ?? []).toString());
    }

    it("says what it is", () => {
      expect(backends[0]?.capabilities).toMatchObject({ writes: "quorum", reads: "leader" });
    });

    it("acknowledges each increment of a contended counter once", async () => {
      // By number, not by time: a busy machine is slow, and loses nothing.
      const done = ({ acked }: Tally): boolean => acked === 15;
      const tallies = await Promise.all(backends.map((b) => increment(b, "counter/calm", done)));
      expect(tallies.flatMap(({ failures }) => [...failures])).toEqual([]);
      expect(await countTo("counter/calm")).toBe(60);
    }, 60_000);

    it("keeps every acknowledged write, lease and token when the leader is killed", async () => {
      const told = new Map<string, number>();
      let synced = 0;
      const watch = backends[3]?.kv.watch("counter/") as AsyncIterableIterator<Change>;
      const reading = (async () => {
        for await (const change of watch) {
          if (change.kind === "put") told.set(change.entry.key, change.entry.revision);
          if (change.kind === "synced") synced += 1;
        }
      })();

      let stop = false;
      const done = (): boolean => stop;
      const held: Held[] = [];
      const work = backends.map((backend) => increment(backend, "counter/killed", done));
      const holders = backends.map((backend) =>
        contend(backend, { name: "held", ttlMs: 2_000, held, done }),
      );
      await pause(500);
      const victim = await leader();
      await victim.kill();
      await pause(9_000);
      await victim.restart();
      await pause(1_500);
      stop = true;
      const tallies = await Promise.all(work);
      await Promise.all(holders);

      const sum = (pick: (tally: (typeof tallies)[number]) => number): number =>
        tallies.reduce((total, tally) => total + pick(tally), 0);
      const sure = sum(({ acked, recovered }) => acked + recovered);
      const final = await countTo("counter/killed");
      expect(final).toBeGreaterThanOrEqual(sure);
      expect(final).toBeLessThanOrEqual(sure + sum(({ unknown }) => unknown));
      expect(judgeHolders(held)).toEqual({ overlaps: 0, notGrown: 0 });
      expect(held.length).toBeGreaterThan(1);

      const last = await backends[0]?.kv.get("counter/killed");
      await expect.poll(() => told.get("counter/killed"), { timeout: 10_000 }).toBe(last?.revision);
      expect(synced).toBeGreaterThan(0);
      await watch.return?.();
      await reading;
    }, 60_000);

    it("ends every call in time while the leader stands still, and goes on after it", async () => {
      const frozen = await leader();
      let stop = false;
      const done = (): boolean => stop;
      const work = backends.map((backend) => increment(backend, "counter/paused", done));
      await pause(200);
      frozen.pause();
      await pause(9_000);
      frozen.resume();
      await pause(1_000);
      stop = true;
      const tallies = await Promise.all(work);
      const sure = tallies.reduce((sum, { acked, recovered }) => sum + acked + recovered, 0);
      const unknown = tallies.reduce((sum, tally) => sum + tally.unknown, 0);
      const final = await countTo("counter/paused");
      expect(final).toBeGreaterThanOrEqual(sure);
      expect(final).toBeLessThanOrEqual(sure + unknown);
      // A read, a write, and five times settling.
      for (const { longestMs } of tallies) expect(longestMs).toBeLessThan(7 * CALL_MS + 2_000);
      const after = await backends[0]?.kv.put("counter/after", "x", { timeoutMs: 10_000 });
      expect(after?.ok).toBe(true);
    }, 60_000);
  },
);

describe("three copies on nats-server 2.9", () => {
  it("are refused, with the version and the cure", async () => {
    const server = await startNats({ version: "2.9" });
    const connection = await connectTo("nats", server.url);
    const backend = natsBackend(connection, { namespace: freshNamespace(), replicas: 3 });
    await expect(backend.ready()).rejects.toMatchObject({
      code: "UNSUPPORTED",
      effect: "none",
      message: expect.stringMatching(/2\.9\.\d+.*4319.*upgrade to 2\.10\.23/),
    });
    await expect(backend.kv.put("k", "v")).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await backend.close();
    await connection.close();
    await server.stop();
  });
});
