/**
 * A real PostgreSQL with two databases, and a real Redis for the decisions.
 */
import { Pool } from "pg";

import { type ServerProcess, startPostgres, startRedis } from "../../scripts/servers/index.mjs";

/** Servers and pools of one test file. */
export interface Rig {
  readonly postgres: ServerProcess;
  readonly redis: ServerProcess;
  readonly orders: Pool;
  readonly stock: Pool;
  /** How many rows of `id` each database shows. */
  rows(id: string): Promise<readonly [orders: number, stock: number]>;
  /** Prepared branches of transaction `id` in all databases. */
  prepared(id: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Where a process finds everything. */
export function urlOf(base: string, database: string): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  return url.href;
}

/** Starts it. */
export async function startRig(): Promise<Rig> {
  const [postgres, redis] = await Promise.all([
    startPostgres({ maxConnections: 60, maxPreparedTransactions: 20 }),
    startRedis(),
  ]);
  const admin = new Pool({ connectionString: postgres.url, max: 2 });
  await admin.query("CREATE DATABASE orders");
  await admin.query("CREATE DATABASE stock");
  const [orders, stock] = ["orders", "stock"].map((name) => {
    const pool = new Pool({ connectionString: urlOf(postgres.url, name), max: 10 });
    pool.on("error", () => {});
    return pool;
  }) as [Pool, Pool];
  const table = "CREATE TABLE effects (id text PRIMARY KEY)";
  await Promise.all([orders.query(table), stock.query(table)]);
  const countIn = async (pool: Pool, id: string): Promise<number> => {
    return (await pool.query("SELECT 1 FROM effects WHERE id = $1", [id])).rows.length;
  };
  return {
    postgres,
    redis,
    orders,
    stock,
    rows: async (id) => [await countIn(orders, id), await countIn(stock, id)],
    async prepared(id) {
      const text = "SELECT gid FROM pg_prepared_xacts WHERE gid LIKE $1 ORDER BY gid";
      const { rows } = await admin.query(text, [`%/${id}/%`]);
      return rows.map(({ gid }: { gid: string }) => gid);
    },
    async stop() {
      await Promise.allSettled([admin.end(), orders.end(), stock.end()]);
      await Promise.all([postgres.stop(), redis.stop()]);
    },
  };
}
