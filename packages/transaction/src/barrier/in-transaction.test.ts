/** On a real PostgreSQL: what its transactions promise is what is relied upon. */
import { randomUUID } from "node:crypto";

import { isQuorateError, refuse, type SqlClient } from "@quorate/core";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, startPostgres } from "../../../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../../../scripts/servers/types.ts";
import { until } from "../../../../scripts/servers/wire.mjs";
import { branchOf } from "./branch.ts";
import { barrierInTransaction } from "./in-transaction.ts";
import type { Operation } from "./machine.ts";
import { arrivals, Oracle } from "./oracle.fixture.ts";
import { barrierTable, purgeBarriers } from "./sql-table.ts";

describe.skipIf(needs("postgres").skip)("barrierInTransaction", () => {
  let server: ServerProcess;
  let pool: Pool;
  const clients: Client[] = [];

  beforeAll(async () => {
    server = await startPostgres({ maxConnections: 60 });
    pool = new Pool({ connectionString: server.url, max: 40 });
    pool.on("error", () => {});
    await pool.query(`${barrierTable()} CREATE TABLE moves (branch text, what text)`);
  });
  afterAll(async () => {
    await Promise.allSettled(clients.map((client) => client.end()));
    await pool.end();
    await server.stop();
  });

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: server.url });
    client.on("error", () => {});
    await client.connect();
    clients.push(client);
    return client;
  }

  const fresh = (): string => `t-${randomUUID()}/debit`;
  const moves = async (branch: string): Promise<string[]> => {
    const { rows } = await pool.query("SELECT what FROM moves WHERE branch = $1", [branch]);
    return rows.map((row: { what: string }) => row.what);
  };
  const stateOf = async (branch: string): Promise<string | undefined> => {
    const text = "SELECT state FROM quorate_barrier WHERE branch = $1";
    return (await pool.query(text, [branch])).rows[0]?.state;
  };
  const move = (tx: SqlClient, branch: string, what: string) => async () => {
    await tx.query("INSERT INTO moves VALUES ($1, $2)", [branch, what]);
    return { what };
  };

  /** One call as a participant makes it: its own transaction, committed whatever the answer is. */
  async function call(branch: string, operation: Operation, begin = "BEGIN") {
    const tx = await pool.connect();
    try {
      await tx.query(begin);
      const options = { branch, operation };
      const answer = await barrierInTransaction(tx, options, move(tx, branch, operation));
      await tx.query("COMMIT");
      return answer;
    } catch (error) {
      await tx.query("ROLLBACK");
      throw error;
    } finally {
      tx.release();
    }
  }

  it("commits branch and rows together, and answers a repeat from the row", async () => {
    const branch = fresh();
    expect(await call(branch, "try")).toEqual({
      kind: "value",
      value: { what: "try" },
      replayed: false,
    });
    expect(await call(branch, "try")).toEqual({
      kind: "value",
      value: { what: "try" },
      replayed: true,
    });
    expect(await moves(branch)).toEqual(["try"]);
  });

  it("takes one round trip for a repeat, and three beside the work's for a first run", async () => {
    const branch = fresh();
    const tx = await connect();
    const sent: string[] = [];
    const counted: SqlClient = {
      query: (text, values) => {
        sent.push(text.trim().split(/\s/)[0] ?? "");
        return tx.query(text, values);
      },
    };
    await tx.query("BEGIN");
    await barrierInTransaction(counted, { branch, operation: "try" }, () => 1);
    expect(sent.splice(0)).toEqual(["INSERT", "SAVEPOINT", "UPDATE"]);
    await barrierInTransaction(counted, { branch, operation: "try" }, () => 1);
    expect(sent.splice(0)).toEqual(["INSERT"]);
    const told = await barrierInTransaction(
      counted,
      { branch, operation: "confirm" },
      (tried) => tried,
    );
    expect(told).toMatchObject({ value: 1 });
    await tx.query("ROLLBACK");
    expect(await stateOf(branch)).toBeUndefined();
  });

  it("comes to what is expected in every seventh of the 1680 orders", async () => {
    const wrong: string[] = [];
    const all = [...arrivals()].filter((_, index) => index % 7 === 0);
    const next = all.values();
    // One transaction per order: what is judged is the table's way through the row.
    const worker = async (): Promise<void> => {
      const tx = await pool.connect();
      for (const calls of next) {
        const oracle = new Oracle();
        await tx.query("BEGIN");
        const branch = fresh();
        for (const operation of calls) {
          let seen = "quiet";
          const work = () => void (seen = "ran");
          await barrierInTransaction(tx, { branch, operation }, work).catch((error: unknown) => {
            if (!isQuorateError(error, "BARRIER_REFUSED")) throw error;
            seen = "refused";
          });
          if (seen !== oracle.call(operation))
            wrong.push(`${calls.join(" ")}: ${operation} ${seen}`);
        }
        await tx.query("ROLLBACK");
      }
      tx.release();
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    expect(wrong).toEqual([]);
    expect(all).toHaveLength(240);
  });

  it("lets thirty duplicates at once do it once, and cancel it once", async () => {
    const branch = fresh();
    const thirty = (operation: Operation) =>
      Promise.all(Array.from({ length: 30 }, () => call(branch, operation)));
    const tried = await thirty("try");
    expect(tried.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const cancelled = await thirty("cancel");
    expect(cancelled.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await moves(branch)).toEqual(["try", "cancel"]);
  });

  it("lets a try and its cancel race to one of two ends", async () => {
    const ends = new Map<string, number>();
    for (let round = 0; round < 40; round += 1) {
      const branch = fresh();
      const order: Operation[] = round % 2 === 0 ? ["cancel", "try"] : ["try", "cancel"];
      await Promise.allSettled(order.map((operation) => call(branch, operation)));
      const end = `${await stateOf(branch)}: ${(await moves(branch)).join(" ")}`;
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    expect([...ends.keys()].sort()).toEqual(["cancelled: ", "cancelled: try cancel"]);
  });

  it("makes a cancel wait for a try that hangs in its transaction, then undoes it", async () => {
    const branch = fresh();
    const hung = await connect();
    await hung.query("BEGIN");
    await barrierInTransaction(hung, { branch, operation: "try" }, move(hung, branch, "try"));
    let isWaiting = true;
    const cancel = call(branch, "cancel").finally(() => (isWaiting = false));
    await until("somebody waits for a lock", async () => {
      const text = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
      return (await pool.query(text)).rows.length > 0;
    });
    expect(isWaiting).toBe(true);
    await hung.query("COMMIT");
    await cancel;
    expect(await moves(branch)).toEqual(["try", "cancel"]);
  });

  it("leaves nothing of a try whose connection died, for its cancel to undo", async () => {
    const branch = fresh();
    const doomed = await connect();
    await doomed.query("BEGIN");
    await barrierInTransaction(doomed, { branch, operation: "try" }, move(doomed, branch, "try"));
    const { rows } = await doomed.query("SELECT pg_backend_pid() AS pid");
    const cancel = call(branch, "cancel");
    await pool.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
    expect(await cancel).toEqual({ kind: "value", value: undefined, replayed: false });
    expect(await moves(branch)).toEqual([]);
    await expect(call(branch, "try")).rejects.toMatchObject({
      code: "BARRIER_REFUSED",
      details: { branch, asked: "try", have: "cancelled" },
    });
  });

  it("rolls back what a refusing try wrote, and remembers the refusal", async () => {
    const branch = fresh();
    const tx = await connect();
    await tx.query("BEGIN");
    const refused = await barrierInTransaction(tx, { branch, operation: "try" }, async () => {
      await move(tx, branch, "try")();
      throw refuse("too-little", { left: 3 });
    });
    await tx.query("COMMIT");
    const again = await call(branch, "try");
    for (const answer of [refused, again]) {
      expect(answer).toMatchObject({
        kind: "refused",
        error: { code: "REFUSED", details: { reason: "too-little", data: { left: 3 } } },
      });
    }
    expect(await call(branch, "cancel")).toMatchObject({ value: undefined, replayed: false });
    expect(await moves(branch)).toEqual([]);
  });

  it("throws any other error on, and leaves nothing of the work", async () => {
    const branch = fresh();
    const tx = await connect();
    await tx.query("BEGIN");
    const failing = barrierInTransaction(tx, { branch, operation: "try" }, async () => {
      await move(tx, branch, "try")();
      throw new TypeError("a defect");
    });
    await expect(failing).rejects.toThrow("a defect");
    await tx.query("COMMIT");
    expect([await moves(branch), await stateOf(branch)]).toEqual([[], "none"]);
    expect(await call(branch, "try")).toMatchObject({ replayed: false });
  });

  it.each(["REPEATABLE READ", "SERIALIZABLE"])(
    "fails a duplicate that had to wait, retryably, at %s",
    async (level) => {
      const branch = fresh();
      const begin = `BEGIN ISOLATION LEVEL ${level}`;
      const settled = await Promise.allSettled([
        call(branch, "try", begin),
        call(branch, "try", begin),
      ]);
      for (const one of settled) {
        if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "40001" });
      }
      expect(await call(branch, "try", begin)).toMatchObject({ replayed: true });
      expect(await moves(branch)).toEqual(["try"]);
    },
  );

  it("keeps a tombstone until it is purged, which its retention allows", async () => {
    const branch = fresh();
    await call(branch, "cancel");
    await purgeBarriers(pool);
    await expect(call(branch, "try")).rejects.toMatchObject({ code: "BARRIER_REFUSED" });
    await pool.query("UPDATE quorate_barrier SET expires_at = now() WHERE branch = $1", [branch]);
    expect(await purgeBarriers(pool, { limit: 10 })).toBe(1);
    expect(await call(branch, "try")).toMatchObject({ replayed: false });
  });

  it("refuses a row that somebody damaged, and leaves it as it is", async () => {
    const branch = fresh();
    await call(branch, "try");
    const text = "UPDATE quorate_barrier SET answers = '{\"answers\":7}' WHERE branch = $1";
    await pool.query(text, [branch]);
    await expect(call(branch, "try")).rejects.toMatchObject({ code: "RECORD_INVALID" });
    expect(await stateOf(branch)).toBe("tried");
  });

  it("names a mistake before anything is sent", async () => {
    const never: SqlClient = { query: () => expect.fail("it was asked") };
    const bad = [
      [{}, branchOf("a/b/do"), "tx"],
      [never, { branch: "b", operation: "try" }, "branch"],
      [never, { branch: "a/b", operation: "do" }, "operation"],
      [never, { ...branchOf("a/b/do"), table: 'x"; DROP TABLE moves' }, "table"],
      [never, { ...branchOf("a/b/do"), retentionMs: 1 }, "retentionMs"],
      [never, { ...branchOf("a/b/do"), ttl: 1 }, "options.ttl"],
    ] as const;
    for (const [tx, options, option] of bad) {
      await expect(
        barrierInTransaction(tx as never, options as never, () => 1),
      ).rejects.toMatchObject({ code: "INVALID_ARGUMENT", details: { option } });
    }
    await expect(barrierInTransaction(pool, branchOf("a/b/do"), () => 1)).rejects.toThrow(/BEGIN/);
  });
});
