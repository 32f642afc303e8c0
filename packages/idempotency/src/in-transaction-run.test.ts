/** On a real PostgreSQL, through a proxy that loses replies. */
import { refuse } from "@quorate/core";
import { Pool, type PoolClient } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, startTcpProxy } from "../../../scripts/servers/index.mjs";
import { type Isolation, runInTransaction } from "./in-transaction-run.ts";
import { type PostgresRig, startPostgresRig } from "./postgres.fixture.ts";

describe.skipIf(needs("postgres").skip)("runInTransaction", () => {
  let rig: PostgresRig;
  beforeAll(async () => {
    rig = await startPostgresRig();
  });
  afterAll(() => rig.stop());

  const paying =
    (key: string, result: unknown = "paid") =>
    async (tx: PoolClient): Promise<unknown> => {
      await tx.query("INSERT INTO payments VALUES ($1, 5)", [key]);
      return result;
    };

  it.each<Isolation>(["read committed", "repeatable read", "serializable"])(
    "gives 100 duplicates at once one effect and one answer, at %s",
    async (isolation) => {
      const key = rig.key();
      const calls = Array.from({ length: 100 }, (_, index) =>
        runInTransaction(rig.pool, { key, isolation, attempts: 100 }, paying(key, { by: index })),
      );
      const answers = await Promise.all(calls);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await rig.payments(key)).toBe(1);
    },
  );

  it("commits a refusal, then throws it, and throws it again for a repeat", async () => {
    const key = rig.key();
    let runs = 0;
    const declined = () =>
      runInTransaction(rig.pool, { key }, async (tx) => {
        runs += 1;
        await paying(key)(tx);
        throw refuse("card-declined");
      });
    for (const call of [declined, declined]) {
      await expect(call()).rejects.toMatchObject({
        code: "REFUSED",
        details: { reason: "card-declined" },
      });
    }
    expect(runs).toBe(1);
    expect(await rig.payments(key)).toBe(0);
  });

  it("rolls back for any other error, and the next call runs", async () => {
    const key = rig.key();
    const failing = runInTransaction(rig.pool, { key }, async (tx) => {
      await paying(key)(tx);
      throw new Error("no answer from billing");
    });
    await expect(failing).rejects.toThrow("no answer from billing");
    expect(await runInTransaction(rig.pool, { key }, paying(key))).toBe("paid");
    expect(await rig.payments(key)).toBe(1);
  });

  it("repeats what PostgreSQL asks to be repeated, and gives up after `attempts`", async () => {
    const key = rig.key();
    let runs = 0;
    const clumsy = (failures: number, attempts: number) =>
      runInTransaction(rig.pool, { key, attempts }, async (tx) => {
        runs += 1;
        await paying(key)(tx);
        const raise = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$";
        if (runs <= failures) await tx.query(raise);
        return runs;
      });
    await expect(clumsy(99, 3)).rejects.toMatchObject({ code: "40P01" });
    expect(runs).toBe(3);
    expect(await clumsy(4, 5)).toBe(5);
    expect(await rig.payments(key)).toBe(1);
  });

  it("settles a COMMIT whose reply was lost by asking again: one effect", async () => {
    const proxy = await startTcpProxy(rig.server);
    const pool = new Pool({ connectionString: proxy.url ?? "" });
    pool.on("error", () => {});
    const key = rig.key();
    let runs = 0;
    const cut = proxy.cutAfterNextRequest((chunk) => chunk.includes("COMMIT"));
    const answer = await runInTransaction(pool, { key }, async (tx) => {
      runs += 1;
      return paying(key, { run: runs })(tx);
    });
    await cut;
    expect(answer).toEqual({ run: 1 });
    expect(runs).toBe(1);
    expect(await rig.payments(key)).toBe(1);
    await pool.end();
    await proxy.close();
  });

  it("says that it does not know when nobody can be asked, and the next call knows", async () => {
    const proxy = await startTcpProxy(rig.server);
    const pool = new Pool({ connectionString: proxy.url ?? "" });
    pool.on("error", () => {});
    const key = rig.key();
    void proxy
      .cutAfterNextRequest((chunk) => chunk.includes("COMMIT"))
      .then(() => proxy.refuse(true));
    const call = runInTransaction(pool, { key, attempts: 1 }, paying(key));
    await expect(call).rejects.toMatchObject({
      code: "OUTCOME_UNKNOWN",
      effect: "unknown",
      details: { key },
    });
    await pool.end();
    await proxy.close();
    const again = await runInTransaction(rig.pool, { key }, paying(key, "not this"));
    expect(again).toBe("paid");
    expect(await rig.payments(key)).toBe(1);
  });

  it("knows that a lost COMMIT never arrived, and tells of the next attempt", async () => {
    const key = rig.key();
    let runs = 0;
    const unlucky = {
      async connect() {
        const client = await rig.pool.connect();
        const query = (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
          if (text !== "COMMIT" || runs > 1) return client.query(text, values);
          // As if the connection had broken before the word was out.
          return client.query("ROLLBACK").then(() => Promise.reject(new Error("socket closed")));
        };
        return { query, release: () => client.release() };
      },
    };
    const call = runInTransaction(unlucky, { key }, async (tx) => {
      await tx.query("INSERT INTO payments VALUES ($1, 5)", [key]);
      runs += 1;
      if (runs === 2) throw new Error("the work's own");
    });
    await expect(call).rejects.toThrow("the work's own");
    expect(await rig.payments(key)).toBe(0);
  });

  it("leaves nothing of a call whose server was killed before the commit", async () => {
    const key = rig.key();
    let killed: Promise<void> | undefined;
    const first = runInTransaction(rig.pool, { key }, async (tx) => {
      await paying(key)(tx);
      killed ??= rig.server.kill();
      await killed;
      return "of the killed";
    });
    await expect(first).rejects.toThrow();
    await rig.server.restart();
    expect(await rig.payments(key)).toBe(0);
    expect(await runInTransaction(rig.pool, { key }, paying(key, "after"))).toBe("after");
    expect(await rig.payments(key)).toBe(1);
  });

  it("gives every client back", async () => {
    const { totalCount, idleCount } = rig.pool;
    expect(idleCount).toBe(totalCount);
  });

  it.each([
    ["pool", undefined],
    ["isolation", { isolation: "chaos" as Isolation }],
    ["attempts", { attempts: 0 }],
    ["options.retries", { retries: 3 }],
  ])("refuses a bad %s", async (option, bad) => {
    const pool = option === "pool" ? (rig.server as never) : rig.pool;
    const call = runInTransaction(pool, { key: "k", ...bad }, () => 1);
    await expect(call).rejects.toMatchObject({ details: { option } });
  });
});
