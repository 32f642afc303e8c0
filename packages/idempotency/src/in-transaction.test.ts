/** On a real PostgreSQL: what its transactions promise is what is relied upon. */
import assert from "node:assert/strict";

import { refuse } from "@quorate/core";
import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs } from "../../../scripts/servers/index.mjs";
import { inTransaction, type InTransactionOptions } from "./in-transaction.ts";
import { type PostgresRig, startPostgresRig } from "./postgres.fixture.ts";
import { idempotencyTable, purgeExpired } from "./postgres-table.ts";

describe.skipIf(needs("postgres").skip)("inTransaction", () => {
  let rig: PostgresRig;
  beforeAll(async () => {
    rig = await startPostgresRig();
  });
  afterAll(() => rig.stop());

  const payOn = (tx: Client, key: string, result: unknown = { paid: 5 }) => {
    return async (): Promise<unknown> => {
      await tx.query("INSERT INTO payments VALUES ($1, 5)", [key]);
      return result;
    };
  };

  async function payOnce(options: InTransactionOptions, result?: unknown, isolation = "") {
    const tx = await rig.client();
    await tx.query(`BEGIN ${isolation}`);
    const answered = await inTransaction(tx, options, payOn(tx, options.key, result));
    await tx.query("COMMIT");
    return answered;
  }

  it("commits the effect and the answer together, and replays from then on", async () => {
    const key = rig.key();
    const result = { paid: 5, lines: [{ sku: "a" }], note: undefined };
    const first = await payOnce({ key, fingerprint: { cents: 5 } }, result);
    const again = await payOnce({ key, fingerprint: { cents: 5 } }, "another");
    assert(first.kind === "replay" && again.kind === "replay");
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    assert.deepStrictEqual(again.value, first.value);
    expect(again.completedAtMs).toBe(first.completedAtMs);
    expect(Math.abs(Date.now() - first.completedAtMs)).toBeLessThan(60_000);
    expect(await rig.payments(key)).toBe(1);
  });

  it("replays in one round trip, and runs with three beside the work's", async () => {
    const key = rig.key();
    const tx = await rig.client();
    const sent: string[] = [];
    const counted = {
      query: (text: string, values?: unknown[]) => {
        sent.push(text.trim().split(/\s/)[0] ?? "");
        return tx.query(text, values);
      },
    };
    await tx.query("BEGIN");
    await inTransaction(counted, { key }, () => 1);
    expect(sent.splice(0)).toEqual(["WITH", "SAVEPOINT", "UPDATE"]);
    await inTransaction(counted, { key }, () => 1);
    expect(sent).toEqual(["WITH"]);
    await tx.query("ROLLBACK");
  });

  it("leaves nothing when the transaction is rolled back, and the next call runs", async () => {
    const key = rig.key();
    const tx = await rig.client();
    await tx.query("BEGIN");
    await inTransaction(tx, { key }, payOn(tx, key));
    await tx.query("ROLLBACK");
    expect(await rig.payments(key)).toBe(0);
    expect(await payOnce({ key })).toMatchObject({ replayed: false });
  });

  it("leaves nothing when the backend dies between the effect and the commit", async () => {
    const key = rig.key();
    const doomed = await rig.client();
    await doomed.query("BEGIN");
    await inTransaction(doomed, { key }, payOn(doomed, key));
    const duplicate = payOnce({ key });
    await rig.waiting();
    const { rows } = await doomed.query("SELECT pg_backend_pid() AS pid");
    await rig.pool.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
    await expect(doomed.query("COMMIT")).rejects.toThrow();
    // It had waited for the row of the dead one.
    expect(await duplicate).toMatchObject({ kind: "replay", replayed: false });
    expect(await rig.payments(key)).toBe(1);
  });

  it("makes a duplicate wait for the first, at READ COMMITTED", async () => {
    const key = rig.key();
    const first = await rig.client();
    await first.query("BEGIN");
    await inTransaction(first, { key }, payOn(first, key, "of the first"));
    let early = true;
    const duplicate = payOnce({ key }).finally(() => (early = false));
    await rig.waiting();
    expect(early).toBe(true);
    await first.query("COMMIT");
    expect(await duplicate).toMatchObject({ value: "of the first", replayed: true });
    expect(await rig.payments(key)).toBe(1);
  });

  it.each(["REPEATABLE READ", "SERIALIZABLE"])(
    "fails a duplicate that had to wait, retryably, at %s",
    async (level) => {
      const key = rig.key();
      const isolation = `ISOLATION LEVEL ${level}`;
      const first = await rig.client();
      await first.query(`BEGIN ${isolation}`);
      await inTransaction(first, { key }, payOn(first, key));
      const duplicate = payOnce({ key }, 0, isolation).catch((error: unknown) => error);
      await rig.waiting();
      await first.query("COMMIT");
      expect(await duplicate).toMatchObject({ code: "40001" });
      expect(await payOnce({ key }, 0, isolation)).toMatchObject({ replayed: true });
      expect(await rig.payments(key)).toBe(1);
    },
  );

  it("refuses another request under the key, and has written nothing", async () => {
    const key = rig.key();
    await payOnce({ key, fingerprint: { cents: 5 } });
    for (const fingerprint of [{ cents: 6 }, undefined]) {
      const other = payOnce({ key, fingerprint });
      await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH", effect: "none" });
    }
    expect(await rig.payments(key)).toBe(1);
  });

  it("keeps scopes apart", async () => {
    const key = rig.key();
    await payOnce({ key, scope: "ann" });
    await payOnce({ key, scope: "bob" });
    await payOnce({ key });
    expect(await payOnce({ key, scope: "bob" })).toMatchObject({ replayed: true });
    expect(await rig.payments(key)).toBe(3);
  });

  it("stores a refusal, rolls back what came before it, and replays it", async () => {
    const key = rig.key();
    const attempt = async () => {
      const tx = await rig.client();
      await tx.query("BEGIN");
      await tx.query("INSERT INTO payments VALUES ($1, 1)", [`${key}/before`]);
      const answered = await inTransaction(tx, { key }, async () => {
        await payOn(tx, key)();
        throw refuse("card-declined", { by: "issuer" });
      });
      await tx.query("COMMIT");
      return answered;
    };
    const [first, again] = [await attempt(), await attempt()];
    assert(first.kind === "refused" && again.kind === "refused");
    expect(first.error.details).toEqual({ reason: "card-declined", data: { by: "issuer" } });
    expect(again.error.details).toEqual(first.error.details);
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    expect(await rig.payments(key)).toBe(0);
    expect(await rig.payments(`${key}/before`)).toBe(2);
  });

  it("takes all back for an error of the work, even if the caller commits", async () => {
    const key = rig.key();
    const tx = await rig.client();
    await tx.query("BEGIN");
    const failing = inTransaction(tx, { key }, async () => {
      await payOn(tx, key)();
      await tx.query("SELECT 1/0");
    });
    await expect(failing).rejects.toMatchObject({ code: "22012" });
    await tx.query("COMMIT");
    expect(await rig.payments(key)).toBe(0);
    expect(await rig.records(key)).toEqual([]);
  });

  it("writes nothing of a result that cannot be stored", async () => {
    const key = rig.key();
    const unstorable = payOnce({ key }, { at: new Date(0) });
    await expect(unstorable).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      effect: "none",
      details: { option: "result.at" },
    });
    expect(await rig.payments(key)).toBe(0);
  });

  it("runs again once the answer's time is over, by the database's clock", async () => {
    const key = rig.key();
    await payOnce({ key, ttlMs: 90_000 });
    expect(await payOnce({ key })).toMatchObject({ replayed: true });
    const { rows } = await rig.pool.query(
      `SELECT extract(epoch FROM expires_at - completed_at)::int AS s
         FROM quorate_idempotency WHERE key = $1`,
      [key],
    );
    expect(rows).toEqual([{ s: 90 }]);
    await rig.expire(key);
    // Two at once: the expired row is replaced by one of them.
    const both = await Promise.all([payOnce({ key }), payOnce({ key })]);
    expect(both.filter(({ replayed }) => replayed)).toHaveLength(1);
    expect(await rig.payments(key)).toBe(2);
    expect(await rig.records(key)).toHaveLength(1);
  });

  it("nests: a work within a work rolls back what is its own", async () => {
    const [outer, inner] = [rig.key(), rig.key()];
    const tx = await rig.client();
    await tx.query("BEGIN");
    const answered = await inTransaction(tx, { key: outer }, async () => {
      await payOn(tx, outer)();
      await inTransaction(tx, { key: inner }, payOn(tx, inner));
      throw refuse("no");
    });
    await tx.query("COMMIT");
    expect(answered.kind).toBe("refused");
    expect([await rig.payments(outer), await rig.payments(inner)]).toEqual([0, 0]);
  });

  it("says so when the key is at work in the same transaction", async () => {
    const key = rig.key();
    const tx = await rig.client();
    await tx.query("BEGIN");
    const twice = inTransaction(tx, { key }, () => inTransaction(tx, { key }, () => 1));
    await expect(twice).rejects.toMatchObject({ code: "RECORD_INVALID", effect: "none" });
    await tx.query("ROLLBACK");
  });

  it.each(["ROLLBACK", "COMMIT"])("says so when the work ends the transaction: %s", async (end) => {
    const key = rig.key();
    const tx = await rig.client();
    await tx.query("BEGIN");
    const ending = inTransaction(tx, { key }, async () => {
      await tx.query(end);
      throw new Error("the work's own");
    });
    await expect(ending).rejects.toThrow("the work's own");
    const silent = inTransaction(tx, { key: `${key}/2` }, () => tx.query(end));
    await expect(silent).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("refuses a client without a transaction, and a pool, and leaves no claim behind", async () => {
    const key = rig.key();
    for (const tx of [await rig.client(), rig.pool]) {
      const outside = inTransaction(tx, { key }, () => 1);
      await expect(outside).rejects.toMatchObject({ code: "INVALID_ARGUMENT", effect: "none" });
    }
    expect(await rig.records(key)).toEqual([]);
  });

  it.each([
    ["key", { key: "" }],
    ["key", { key: "a\0b" }],
    ["scope", { key: "k", scope: "a\0b" }],
    ["ttlMs", { key: "k", ttlMs: 0 }],
    ["table", { key: "k", table: 'x"; DROP TABLE payments; --' }],
    ["table", { key: "k", table: "a.b.c" }],
    ["fingerprint.at", { key: "k", fingerprint: { at: new Date(0) } }],
    ["options.tll", { key: "k", tll: 1 }],
  ])("refuses a bad %s before anything is sent", async (option, options) => {
    let sent = 0;
    const tx = { query: () => Promise.reject(new Error(`sent ${(sent += 1)}`)) };
    const call = inTransaction(tx, options, () => 1);
    await expect(call).rejects.toMatchObject({ details: { option } });
    expect(sent).toBe(0);
  });

  it("works on a table in a schema, made twice, and purges it in bounded batches", async () => {
    await rig.pool.query("CREATE SCHEMA billing");
    const table = "billing.Keys_2";
    await rig.pool.query(idempotencyTable(table));
    await rig.pool.query(idempotencyTable(table));
    for (let index = 0; index < 5; index++) {
      await payOnce({ key: `k${index}`, table, ttlMs: index === 4 ? 60_000 : 1 });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    // What another purge has in hand is left to it.
    const other = await rig.client();
    await other.query("BEGIN");
    expect(await purgeExpired(other, { table, limit: 1 })).toBe(1);
    expect(await purgeExpired(rig.pool, { table, limit: 2 })).toBe(2);
    expect(await purgeExpired(rig.pool, { table, limit: 2 })).toBe(1);
    await other.query("ROLLBACK");
    expect(await purgeExpired(rig.pool, { table })).toBe(1);
    expect(await payOnce({ key: "k4", table })).toMatchObject({ replayed: true });
  });
});
