/**
 * A coordinator in a process of its own, that says when both have prepared, and then waits: before
 * its decision, or right after it, until its parent kills it.
 */
import "../support/with-parent.ts";
import type { KvStore } from "@quorate/core";
import { redisBackend } from "@quorate/redis";
import { createTwoPhase, postgresParticipant } from "@quorate/transaction";
import { Redis } from "ioredis";
import { Pool } from "pg";

const { REDIS_URL = "", ORDERS_URL = "", STOCK_URL = "", STOP = "before", ID = "" } = process.env;
const redis = redisBackend(new Redis(REDIS_URL));

let writes = 0;
/** Its second write of the record is the decision. */
const kv: KvStore = {
  get: (key, options) => redis.kv.get(key, options),
  list: (collection, options) => redis.kv.list(collection, options),
  watch: (target, options) => redis.kv.watch(target, options),
  delete: (key, options) => redis.kv.delete(key, options),
  async put(key, value, options) {
    const isDecision = key.startsWith("two-phase/") && (writes += 1) === 2;
    if (isDecision && STOP === "before") return stopHere();
    const put = await redis.kv.put(key, value, options);
    return isDecision ? stopHere() : put;
  },
};

function stopHere(): Promise<never> {
  process.send?.({ kind: "stopped" });
  return new Promise(() => {});
}

const { name, leases, bus, runtime, capabilities } = redis;
const backend = { name, kv, leases, bus, runtime, capabilities } as unknown as typeof redis;
const twoPhase = createTwoPhase(backend, { leaseMs: 1_000, deadlineMs: 60_000 }).serve({
  orders: postgresParticipant(new Pool({ connectionString: ORDERS_URL })),
  stock: postgresParticipant(new Pool({ connectionString: STOCK_URL })),
});
await twoPhase.run(ID, ["orders", "stock"], async ({ orders, stock }) => {
  await orders.query("INSERT INTO effects VALUES ($1)", [ID]);
  await stock.query("INSERT INTO effects VALUES ($1)", [ID]);
});
