/** Two databases of a real PostgreSQL, decisions in a real Redis, processes that are killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { type Backend, isQuorateError } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { redisBackend } from "@quorate/redis";
import {
  createTwoPhase,
  type Participant,
  postgresLastResource,
  lastResourceTable,
  postgresParticipant,
  preparedLocks,
} from "@quorate/transaction";
import { Redis } from "ioredis";
import { Pool, type PoolClient } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { needs, startPostgres } from "../../scripts/servers/index.mjs";
import { until } from "../../scripts/servers/wire.mjs";
import { type Rig, startRig, urlOf } from "./rig.ts";

const CHILD = fileURLToPath(new URL("coordinator.child.ts", import.meta.url));

describe.skipIf(needs("postgres").skip || needs("redis").skip)(
  "two-phase commit on PostgreSQL",
  () => {
    let rig: Rig;
    const cleanups: (() => unknown)[] = [];
    beforeAll(async () => {
      rig = await startRig();
    });
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    });
    afterAll(() => rig.stop());

    function pair(
      backend: Backend = memoryBackend(),
      wrap = (one: Participant<PoolClient>): Participant<PoolClient> => one,
    ) {
      const options = { leaseMs: 1_000, deadlineMs: 5_000, settleMs: 1_000 };
      const twoPhase = createTwoPhase(backend, options).serve({
        orders: postgresParticipant<PoolClient>(rig.orders),
        stock: wrap(postgresParticipant<PoolClient>(rig.stock, { isolation: "serializable" })),
      });
      cleanups.push(() => twoPhase.close());
      return twoPhase;
    }

    const insert = (id: string) => async (tx: { orders: PoolClient; stock: PoolClient }) => {
      await tx.orders.query("INSERT INTO effects VALUES ($1)", [id]);
      await tx.stock.query("INSERT INTO effects VALUES ($1)", [id]);
      return "done";
    };

    it("commits both, whatever characters the id has", async () => {
      const id = "o'; DROP TABLE effects; -- ü";
      expect(await pair().run(id, ["orders", "stock"], insert(id))).toBe("done");
      expect(await rig.rows(id)).toEqual([1, 1]);
      expect(await rig.prepared("o%")).toEqual([]);
    });

    it("rolls both back when the work fails, and gives the connections back", async () => {
      const twoPhase = pair();
      const failing = twoPhase.run("fails", ["orders", "stock"], async (tx) => {
        await insert("fails")(tx);
        throw new Error("mishap");
      });
      await expect(failing).rejects.toThrow("mishap");
      expect(await rig.rows("fails")).toEqual([0, 0]);
      expect(rig.orders.totalCount - rig.orders.idleCount).toBe(0);
    });

    it("takes an error that the work swallowed for a no: the server would roll back", async () => {
      const swallowing = pair().run("dup", ["orders", "stock"], async ({ orders, stock }) => {
        await stock.query("INSERT INTO effects VALUES ('dup')");
        await orders.query("SELECT broken").catch(() => {});
      });
      await expect(swallowing).rejects.toMatchObject({
        code: "TRANSACTION_ABORTED",
        details: { reason: "orders voted no: SQLSTATE 25P02" },
      });
      expect(await rig.rows("dup")).toEqual([0, 0]);
      expect(await rig.prepared("dup")).toEqual([]);
    });

    it("takes a serialization failure for a no", async () => {
      const twoPhase = pair();
      const sum = "SELECT count(*) FROM effects";
      const racing = (id: string) =>
        twoPhase.run(id, ["orders", "stock"], async ({ orders, stock }) => {
          await stock.query(sum);
          await orders.query("INSERT INTO effects VALUES ($1)", [id]);
          await new Promise((resolve) => setTimeout(resolve, 100));
          await stock.query("INSERT INTO effects VALUES ($1)", [id]);
        });
      const settled = await Promise.allSettled([racing("s-1"), racing("s-2")]);
      expect(settled.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const lost = settled.find((one) => one.status === "rejected");
      const { reason } = lost as PromiseRejectedResult;
      // At its vote, or at the insert before it: there it is the work's own error.
      expect(isQuorateError(reason, "TRANSACTION_ABORTED") || reason.code === "40001").toBe(true);
      const rows = [await rig.rows("s-1"), await rig.rows("s-2")];
      expect(rows.map(String).toSorted()).toEqual(["0,0", "1,1"]);
    });

    it("lets a participant that only read out at the vote", async () => {
      await pair().run("reads", ["orders", "stock"], async ({ orders, stock }) => {
        await orders.query("SELECT 1 FROM effects");
        await stock.query("INSERT INTO effects VALUES ('reads')");
      });
      expect(await rig.rows("reads")).toEqual([0, 1]);
    });

    it("commits one participant alone, without a record, and says a definite no", async () => {
      const twoPhase = pair();
      const once = (id: string) =>
        twoPhase.run(id, ["orders"], async ({ orders }) => {
          await orders.query("INSERT INTO effects VALUES ('alone')");
        });
      await once("alone-1");
      expect(await rig.rows("alone")).toEqual([1, 0]);
      expect(await twoPhase.decision("alone-1")).toBeUndefined(); // No record: nothing to ask.
      await expect(once("alone-2")).rejects.toMatchObject({ code: "23505" });
    });

    it("shows what prepared branches lock, and for how long", async () => {
      const holding = pair(undefined, (stock) => ({
        ...stock,
        commit: () => Promise.reject(new Error("not reachable")),
      }));
      const run = holding.run("locks", ["orders", "stock"], insert("locks"));
      run.catch(() => {});
      await until("it is prepared only", async () => (await rig.rows("locks"))[0] === 1);
      const locks = await preparedLocks(rig.stock);
      expect(locks).toContainEqual(
        expect.objectContaining({
          what: "effects",
          mode: "RowExclusiveLock",
          branch: expect.objectContaining({ id: "locks", participant: "stock" }),
        }),
      );
      expect(locks[0]?.ageMs).toBeGreaterThanOrEqual(0);
      await expect(run).rejects.toMatchObject({ code: "TRANSACTION_IN_DOUBT", effect: "applied" });
      const [gid] = await rig.prepared("locks");
      await rig.stock.query(`COMMIT PREPARED '${gid}'`);
      expect(await rig.rows("locks")).toEqual([1, 1]);
    });

    it("sweeps a prepare that landed after its transaction had been given up", async () => {
      const late = pair(undefined, (stock) => ({
        ...stock,
        begin: async (...of) => {
          const begun = await stock.begin(...of);
          const prepare = async (): Promise<never> => {
            await begun.prepare(of[1]);
            throw new Error("no answer");
          };
          return { ...begun, prepare };
        },
        abort: async () => {}, // It came too early.
      }));
      await expect(late.run("late", ["orders", "stock"], insert("late"))).rejects.toMatchObject({
        code: "TRANSACTION_ABORTED",
      });
      expect(await rig.prepared("late")).toHaveLength(1);
      expect(await late.sweep()).toEqual({ committed: 0, aborted: 1, left: 0 });
      // This stock's abort does nothing; one that works, of the same store, would.
      const [gid] = await rig.prepared("late");
      await rig.stock.query(`ROLLBACK PREPARED '${gid}'`);
      expect(await rig.rows("late")).toEqual([0, 0]);
    });

    describe.each(["before", "after"])("a coordinator that is killed %s its decision", (stop) => {
      it("is recovered by another process: all rows, or none", async () => {
        const id = `killed-${stop}`;
        const child = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
          env: {
            ...process.env,
            REDIS_URL: rig.redis.url,
            ORDERS_URL: urlOf(rig.postgres.url, "orders"),
            STOCK_URL: urlOf(rig.postgres.url, "stock"),
            STOP: stop,
            ID: id,
          },
          stdio: ["ignore", "inherit", "inherit", "ipc"],
        });
        cleanups.push(() => child.kill("SIGKILL"));
        await once(child, "message");
        expect(await rig.prepared(id)).toHaveLength(2);
        child.kill("SIGKILL");
        await once(child, "exit");
        const redis = new Redis(rig.redis.url);
        cleanups.push(() => redis.quit());
        const rescuer = pair(redisBackend(redis));
        await until("nothing is prepared", async () => (await rig.prepared(id)).length === 0);
        const all = stop === "after";
        expect(await rig.rows(id)).toEqual(all ? [1, 1] : [0, 0]);
        expect(await rescuer.decision(id)).toBe(all ? "committed" : "aborted");
      });
    });

    describe("a last resource", () => {
      const withLast = async (wrap = (one: Participant<PoolClient>) => one) => {
        await rig.orders.query(lastResourceTable());
        const twoPhase = createTwoPhase(memoryBackend(), {
          leaseMs: 1_000,
          deadlineMs: 3_000,
        }).serve({
          orders: wrap(postgresLastResource<PoolClient>(rig.orders)),
          stock: postgresParticipant<PoolClient>(rig.stock),
        });
        cleanups.push(() => twoPhase.close());
        return twoPhase;
      };

      it("commits by its own commit, and the others follow", async () => {
        const twoPhase = await withLast();
        expect(await twoPhase.run("last", ["orders", "stock"], insert("last"))).toBe("done");
        expect(await rig.rows("last")).toEqual([1, 1]);
        expect(await rig.prepared("last")).toEqual([]);
      });

      it("whose commit was not answered is found by its row", async () => {
        const twoPhase = await withLast((last) => ({
          ...last,
          begin: async (...of) => {
            const begun = await last.begin(...of);
            const commitLast = async (): Promise<never> => {
              await begun.commitLast?.(of[1]);
              throw new Error("no answer");
            };
            return { ...begun, commitLast };
          },
        }));
        expect(await twoPhase.run("row", ["orders", "stock"], insert("row"))).toBe("done");
        expect(await rig.rows("row")).toEqual([1, 1]);
        expect(await twoPhase.decision("row")).toBe("committed");
      });

      it("that is settled by another first does not commit", async () => {
        const twoPhase = await withLast((last) => ({
          ...last,
          begin: async (...of) => {
            const begun = await last.begin(...of);
            const commitLast = async (call: (typeof of)[1]) => {
              expect(await last.settle?.(of[0], call)).toBe("aborted");
              return (await begun.commitLast?.(call)) ?? "aborted";
            };
            return { ...begun, commitLast };
          },
        }));
        await expect(
          twoPhase.run("settled", ["orders", "stock"], insert("settled")),
        ).rejects.toMatchObject({ code: "TRANSACTION_ABORTED", effect: "none" });
        expect(await rig.rows("settled")).toEqual([0, 0]);
        expect(await rig.prepared("settled")).toEqual([]);
      });
    });

    it("refuses to start on a server that cannot prepare, and says what to change", async () => {
      const server = await startPostgres({ maxConnections: 20 });
      cleanups.push(() => server.stop());
      const pool = new Pool({ connectionString: server.url });
      cleanups.push(() => pool.end());
      const twoPhase = createTwoPhase(memoryBackend()).serve({ a: postgresParticipant(pool) });
      cleanups.push(() => twoPhase.close());
      await expect(twoPhase.ready()).rejects.toThrow("max_prepared_transactions = 0");
      await expect(twoPhase.run("t", ["a"], () => {})).rejects.toMatchObject({
        code: "UNSUPPORTED",
      });
    });
  },
);
