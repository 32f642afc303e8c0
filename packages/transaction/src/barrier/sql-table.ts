/**
 * The barrier's table in PostgreSQL: its making, its statements, its sweeping.
 *
 *     branch text        <transaction>/<step>
 *     state text         none, tried, refused, confirmed, cancelled
 *     answers text       what the operations returned, as JSON
 *     expires_at         until when the branch is remembered, by the database's clock
 *
 * It belongs into the database of the participant, beside the rows that the work changes: only
 * there
 * can both be committed together. `none` is a branch whose work failed in a transaction that was
 * committed all the same; it means nothing.
 *
 * PostgreSQL 13 and newer.
 */
import { knownOptions, positiveInteger, quoteTable, type SqlClient } from "@quorate/core";

/** Name of the table where none is given. */
export const DEFAULT_BARRIER_TABLE = "quorate_barrier";

/**
 * SQL that makes the table and its index where they are not there yet: for your migrations.
 *
 * @throws INVALID_ARGUMENT `table` is not a name, or `schema.name`, of letters, digits and `_`.
 *
 * @example
 * import { barrierTable } from "@quorate/transaction";
 * console.log(barrierTable("bank.barrier").split("\n")[0]);
 * // => CREATE TABLE IF NOT EXISTS "bank"."barrier" (
 */
export function barrierTable(table: string = DEFAULT_BARRIER_TABLE): string {
  const quoted = quoteTable(table);
  const index = `"${table.split(".").at(-1)}_expires_at"`;
  return `CREATE TABLE IF NOT EXISTS ${quoted} (
  branch text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('none', 'tried', 'refused', 'confirmed', 'cancelled')),
  answers text,
  expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS ${index} ON ${quoted} (expires_at);`;
}

/** Options of `purgeBarriers`. */
export interface PurgeBarriersOptions {
  /** @default "quorate_barrier" */
  readonly table?: string;
  /** Most rows of one call. @default 1000 */
  readonly limit?: number;
}

/**
 * Forgets up to `limit` branches whose retention is over, and says how many. Call it again while it
 * removes as many as it may; rows that somebody else is at are left to them.
 *
 * Only this forgets a tombstone: until it is called, an expired row still keeps a late try out.
 */
export async function purgeBarriers(
  client: SqlClient,
  options: PurgeBarriersOptions = {},
): Promise<number> {
  knownOptions("options", options, ["table", "limit"]);
  const table = quoteTable(options.table ?? DEFAULT_BARRIER_TABLE);
  const limit = positiveInteger("limit", options.limit ?? 1_000);
  const { rows } = await client.query(
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ${table} WHERE expires_at <= now()
       ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
     )) RETURNING 1`,
    [limit],
  );
  return rows.length;
}

/** Statements on one table; each takes the branch as `$1` and ms of retention as `$2`. */
export interface BarrierStatements {
  /**
   * Makes the row if there is none, locks it until the end of the transaction, and returns what it
   * says. Whoever comes second waits here, and sees what the first one committed.
   */
  readonly enter: string;
  /** `$3` state, `$4` answers. */
  readonly settle: string;
}

/** The statements on `table`. @throws INVALID_ARGUMENT */
export function barrierStatements(table: string): BarrierStatements {
  const known = remembered.get(table);
  if (known !== undefined) return known;
  const quoted = quoteTable(table);
  const later = "clock_timestamp() + $2::float8 * interval '1 millisecond'";
  const statements: BarrierStatements = {
    enter: `INSERT INTO ${quoted} AS known (branch, state, expires_at)
      VALUES ($1, 'none', ${later})
      ON CONFLICT (branch) DO UPDATE SET expires_at = greatest(known.expires_at, ${later})
      RETURNING state, answers`,
    settle: `UPDATE ${quoted} SET state = $3, answers = $4, expires_at = ${later}
      WHERE branch = $1 RETURNING 1`,
  };
  // A service has a table or two; a bound, in case somebody makes names from requests.
  if (remembered.size < MAX_REMEMBERED) remembered.set(table, statements);
  return statements;
}

const MAX_REMEMBERED = 64;
const remembered = new Map<string, BarrierStatements>();
