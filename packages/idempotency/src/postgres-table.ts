/**
 * The table of idempotency records in PostgreSQL: its making, its statements, its sweeping.
 *
 *     scope text, key text   whose, and what; '' is no scope
 *     fingerprint text       SHA-256 of the request; '' is not compared
 *     state text             running: claimed by a transaction that has not ended
 *                            completed, refused: answered
 *     answer text            as the codec made it
 *     completed_at, expires_at
 *
 * A `running` row is never seen by another transaction: it becomes an answer, or is gone, when the
 * transaction that wrote it ends. All times are the database's own (`clock_timestamp()`), so that
 * hosts with wrong clocks agree.
 *
 * PostgreSQL 13 and newer.
 */
import { knownOptions, positiveInteger, quoteTable, type SqlClient } from "@quorate/core";

/** Name of the table where none is given. */
export const DEFAULT_SQL_TABLE = "quorate_idempotency";

/**
 * SQL that makes the table and its index where they are not there yet: for your migrations.
 *
 * @throws INVALID_ARGUMENT `table` is not a name, or `schema.name`, of letters, digits and `_`.
 *
 * @example
 * import { idempotencyTable } from "@quorate/idempotency";
 * console.log(idempotencyTable("billing.idempotency").split("\n")[0]);
 * // => CREATE TABLE IF NOT EXISTS "billing"."idempotency" (
 */
export function idempotencyTable(table: string = DEFAULT_SQL_TABLE): string {
  const quoted = quoteTable(table);
  const index = `"${table.split(".").at(-1)}_expires_at"`;
  return `CREATE TABLE IF NOT EXISTS ${quoted} (
  scope text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'completed', 'refused')),
  answer text,
  completed_at timestamptz,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (scope, key)
);
CREATE INDEX IF NOT EXISTS ${index} ON ${quoted} (expires_at);`;
}

/** Options of `purgeExpired`. */
export interface PurgeOptions {
  /** @default "quorate_idempotency" */
  readonly table?: string;
  /** Most rows of one call. @default 1000 */
  readonly limit?: number;
}

/**
 * Removes up to `limit` rows whose time is over, and says how many it removed. Call it again while
 * it removes as many as it may; rows that somebody else is removing are left to them.
 *
 * Only a matter of space: an expired row is never replayed, whether or not it is still there.
 */
export async function purgeExpired(client: SqlClient, options: PurgeOptions = {}): Promise<number> {
  knownOptions("options", options, ["table", "limit"]);
  const table = quoteTable(options.table ?? DEFAULT_SQL_TABLE);
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

/** Statements on one table; each takes scope and key as `$1` and `$2`. */
export interface Statements {
  /**
   * `$3` fingerprint, `$4` ms until it expires. One row: `claimed`, or what is there. None: another
   * transaction wrote it and ended while this statement waited for it; ask again.
   */
  readonly claim: string;
  /** `$3` state, `$4` answer, `$5` ms until it expires. One row with `at_ms`; none: it is gone. */
  readonly answer: string;
  /** Takes the claim back. */
  readonly unclaim: string;
  /** Removes the row if its time is over. */
  readonly expire: string;
}

/** The statements on `table`. @throws INVALID_ARGUMENT */
export function statementsOn(table: string): Statements {
  const known = remembered.get(table);
  if (known !== undefined) return known;
  const statements = write(quoteTable(table));
  // A service has a table or two; a bound, in case somebody makes names from requests.
  if (remembered.size < MAX_REMEMBERED) remembered.set(table, statements);
  return statements;
}

const MAX_REMEMBERED = 64;
const remembered = new Map<string, Statements>();

function write(table: string): Statements {
  const atMs = "floor(extract(epoch FROM completed_at) * 1000)::float8 AS at_ms";
  const ours = "scope = $1 AND key = $2";
  const after = (parameter: string): string =>
    `clock_timestamp() + ${parameter}::float8 * interval '1 millisecond'`;
  return {
    // One statement, one snapshot: the row that it inserts itself is not seen by its SELECT.
    claim: `WITH claim AS (
        INSERT INTO ${table} (scope, key, fingerprint, state, expires_at)
        VALUES ($1, $2, $3, 'running', ${after("$4")})
        ON CONFLICT (scope, key) DO NOTHING RETURNING 1
      )
      SELECT 'claimed' AS state, NULL AS fingerprint, NULL AS answer, 0::float8 AS at_ms,
        false AS expired FROM claim
      UNION ALL
      SELECT state, fingerprint, answer, ${atMs}, expires_at <= clock_timestamp()
      FROM ${table} WHERE ${ours}`,
    answer: `UPDATE ${table} SET state = $3, answer = $4, completed_at = clock_timestamp(),
        expires_at = ${after("$5")}
      WHERE ${ours} AND state = 'running' RETURNING ${atMs}`,
    unclaim: `DELETE FROM ${table} WHERE ${ours} AND state = 'running'`,
    expire: `DELETE FROM ${table} WHERE ${ours} AND expires_at <= clock_timestamp()`,
  };
}
