/**
 * The barrier of two-phase messages in a SQL database: one row per message, that of its commit or
 * that of its abort, whichever comes first.
 *
 * The business transaction inserts the first, and whoever asks inserts the second. Both have one
 * primary key: an asker who meets a transaction that is still open waits for its end, and a
 * transaction that comes after the asker fails. So "no" is final, and no clock is involved.
 *
 * PostgreSQL 13 and newer; other databases with `ON CONFLICT` may do.
 */
import {
  checkName,
  invalidArgument,
  knownOptions,
  QuorateError,
  quoteTable,
  show,
  type SqlClient,
} from "@quorate/core";

/** Name of the table where none is given. */
export const DEFAULT_MESSAGE_TABLE = "quorate_messages";

/** The barrier. */
export interface SqlMessageBarrier {
  /**
   * Says in the transaction that is open on `tx` that message `id` goes with it.
   *
   * @throws BARRIER_REFUSED a relay has asked meanwhile and was told "no", or the id was used
   *   before: roll back.
   */
  inTransaction(tx: SqlClient, id: string): Promise<void>;
  /** Whether the transaction of `id` has committed; false: it never will. Waits for one at work. */
  readonly committed: (id: string) => Promise<boolean>;
}

/**
 * SQL that makes the table where it is not there yet: for your migrations. Rows are small; remove
 * those older than any message may stay prepared.
 *
 * @throws INVALID_ARGUMENT `table` is not a name, or `schema.name`, of letters, digits and `_`.
 */
export function messageBarrierTable(table: string = DEFAULT_MESSAGE_TABLE): string {
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table)} (
  id text COLLATE "C" PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('committed', 'aborted')),
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
`;
}

/**
 * The barrier in `options.table`; `committed` asks through `pool`, which must not be in a
 * transaction.
 *
 * @throws INVALID_ARGUMENT
 */
export function sqlMessageBarrier(
  pool: SqlClient,
  options: { readonly table?: string } = {},
): SqlMessageBarrier {
  if (typeof pool?.query !== "function") throw invalidArgument("pool", pool, "a pool with query()");
  knownOptions("options", options, ["table"]);
  const table = quoteTable(options.table ?? DEFAULT_MESSAGE_TABLE);
  const insert = `INSERT INTO ${table} (id, state) VALUES ($1, $2)
    ON CONFLICT (id) DO NOTHING RETURNING state`;
  const look = `SELECT state FROM ${table} WHERE id = $1`;
  return {
    async inTransaction(tx, id) {
      if (typeof tx?.query !== "function") throw invalidArgument("tx", tx, "a client with query()");
      const { rows } = await tx.query(insert, [checkName("id", id), "committed"]);
      if (rows.length === 1) return;
      const message = `message ${show(id)} was decided before this transaction: roll back`;
      const details = { branch: id, asked: "commit", have: "a decision" };
      throw new QuorateError("BARRIER_REFUSED", message, { effect: "none", details });
    },
    committed: async (id) => {
      const { rows } = await pool.query(insert, [checkName("id", id), "aborted"]);
      if (rows.length === 1) return false;
      const [row] = (await pool.query(look, [id])).rows as readonly { readonly state: string }[];
      // Gone between the two: somebody removes rows that are still asked for.
      if (row === undefined) throw new Error(`the barrier's row of ${show(id)} was removed`);
      return row.state === "committed";
    },
  };
}
