/**
 * A real PostgreSQL with a table of records, and one of effects: a payment per row.
 */
import { randomUUID } from "node:crypto";

import { Client, Pool } from "pg";

import { startPostgres } from "../../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../../scripts/servers/types.ts";
import { until } from "../../../scripts/servers/wire.mjs";
import { idempotencyTable } from "./postgres-table.ts";

/** The rig of one test file. */
export interface PostgresRig {
  readonly server: ServerProcess;
  readonly pool: Pool;
  /** A key that no other test has. */
  key(): string;
  /** A connection of its own, closed with the rig. */
  client(): Promise<Client>;
  /** Payments made under `key`. */
  payments(key: string): Promise<number>;
  /** Rows of the table of records under `key`. */
  records(key: string): Promise<readonly { state: string; answer: string | null }[]>;
  /** Resolves when a connection waits for another's lock. */
  waiting(): Promise<void>;
  /** Lets the time of `key` be over. */
  expire(key: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the server and makes the tables. */
export async function startPostgresRig(): Promise<PostgresRig> {
  const server = await startPostgres({ maxConnections: 150 });
  const pool = new Pool({ connectionString: server.url, max: 110 });
  pool.on("error", () => {}); // An idle client whose server was killed.
  await pool.query(`${idempotencyTable()} CREATE TABLE payments (key text, cents int)`);
  const clients: Client[] = [];
  return {
    server,
    pool,
    key: () => `order-${randomUUID()}`,
    async client() {
      const client = new Client({ connectionString: server.url });
      client.on("error", () => {});
      await client.connect();
      clients.push(client);
      return client;
    },
    async payments(key) {
      const { rows } = await pool.query("SELECT 1 FROM payments WHERE key = $1", [key]);
      return rows.length;
    },
    async records(key) {
      const text = "SELECT state, answer FROM quorate_idempotency WHERE key = $1";
      return (await pool.query(text, [key])).rows;
    },
    waiting: () =>
      until("somebody waits for a lock", async () => {
        const text = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        return (await pool.query(text)).rows.length > 0;
      }),
    async expire(key) {
      await pool.query("UPDATE quorate_idempotency SET expires_at = now() WHERE key = $1", [key]);
    },
    async stop() {
      await Promise.allSettled(clients.map((client) => client.end()));
      await pool.end();
      await server.stop();
    },
  };
}
