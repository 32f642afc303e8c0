/**
 * Failover to a replica that lagged: the grant is forgotten and exclusion breaks, as
 * `best-effort` says; the fence holds.
 */
import { isQuorateError } from "@quorate/core";
import { createGuard, createLocks, type Guard, type Locks } from "@quorate/lock";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";

import { needs, type ServerProcess, startRedis, startTcpProxy } from "../scripts/servers/index.mjs";
import { until } from "./redis/rig.ts";

const redis = needs("redis");

interface Connected {
  readonly locks: Locks;
  readonly guard: Guard;
}

async function connect(server: ServerProcess): Promise<Connected> {
  const client = new Redis(server.url, { retryStrategy: () => 50 });
  client.on("error", () => {});
  const backend = redisBackend(client, { namespace: "shop" });
  onTestFinished(async () => {
    await backend.close({ graceMs: 0 });
    client.disconnect();
  });
  await backend.ready();
  return { locks: createLocks(backend, { ttlMs: 60_000 }), guard: createGuard(backend.kv) };
}

describe.skipIf(redis.skip)(`a failover to a lagging replica${redis.reason}`, () => {
  it("makes two holders; tokens grow, and the guard refuses the older", async () => {
    const master = await startRedis();
    onTestFinished(() => master.stop());
    const link = await startTcpProxy(master);
    onTestFinished(() => link.close());
    const replica = await startRedis({ args: ["--replicaof", master.host, `${link.port}`] });
    onTestFinished(() => replica.stop());
    const admin = new Redis(master.url);
    await until("the replica has synced", async () =>
      (await admin.info("replication")).includes("state=online"),
    );
    admin.disconnect();
    const old = await connect(master);
    link.refuse(true);
    link.cutAll(); // From here on the replica hears nothing.
    const lost = await old.locks.acquire("anvil");
    expect(lost.safety).toBe("best-effort");
    const open = await old.guard.open(lost, "stock");
    await open.write("sold by the first");

    await master.kill();
    const promoted = new Redis(replica.url);
    onTestFinished(() => promoted.disconnect());
    await promoted.replicaof("NO", "ONE");

    const next = await connect(replica);
    const held = await next.locks.acquire("anvil", { waitMs: 0 });
    expect(lost.remainingMs).toBeGreaterThan(0); // Two believe: the grant was forgotten.
    expect(held.fencingToken).toBeGreaterThan(lost.fencingToken);
    const opened = await next.guard.open(held, "stock");
    expect(await opened.read()).toBeUndefined(); // The acknowledged write was forgotten, too.
    await opened.write("sold by the second");

    // The first finds the new master, as its client would, and writes with the token it has.
    const late = await next.guard
      .admit("stock", lost.fencingToken)
      .catch((error: unknown) => error);
    expect(isQuorateError(late, "STALE_TOKEN")).toBe(true);
    expect(Buffer.from((await opened.read()) ?? []).toString()).toBe("sold by the second");
  });
});
