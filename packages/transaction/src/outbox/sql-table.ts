/**
 * The table of an outbox in PostgreSQL: its making and its statements.
 *
 *     id text               of the message; primary key
 *     slot int              of the key, 0 to 1023: a relay serves the slots of its partitions
 *     key, topic, payload   as given; payload is JSON text
 *     seq bigint            order of insertion
 *     state text            pending, or dead: given up
 *     attempts, problem, created_at, dead_at
 *
 * **Nothing is ever read by `id > last`.** Sequences are drawn before the commit, so rows become
 * visible out of order, and a cursor that has passed skips what commits late, for ever. Here every
 * row that is there is read, and leaves by its id alone. Order within a key is that of insertion:
 * transactions that lock what they change (as an update of the order's own row does) insert one
 * after the other. Why not by transaction id: docs/decisions/0016-outbox.md.
 *
 * PostgreSQL 13 and newer.
 */
import { quoteTable } from "@quorate/core";

/** Name of the table where none is given. */
export const DEFAULT_OUTBOX_TABLE = "quorate_outbox";

/** Keys are cut into so many slots; a relay's partition is a slot modulo their number. */
export const SLOTS = 1_024;

/**
 * SQL that makes the table and its index where they are not there yet: for your migrations.
 *
 * @throws INVALID_ARGUMENT `table` is not a name, or `schema.name`, of letters, digits and `_`.
 *
 * @example
 * import { outboxTable } from "@quorate/transaction";
 * console.log(outboxTable("shop.outbox").split("\n")[0]);
 * // => CREATE TABLE IF NOT EXISTS "shop"."outbox" (
 */
export function outboxTable(table: string = DEFAULT_OUTBOX_TABLE): string {
  const name = quoteTable(table);
  const index = `"${table.split(".").at(-1)}_pending"`;
  return `CREATE TABLE IF NOT EXISTS ${name} (
  id text COLLATE "C" PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  slot integer NOT NULL CHECK (slot >= 0),
  key text COLLATE "C" NOT NULL,
  topic text NOT NULL,
  payload text NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  problem text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  dead_at timestamptz
);
CREATE INDEX IF NOT EXISTS ${index} ON ${name} (seq) WHERE state = 'pending';
`;
}

/** Statements on one table. */
export interface OutboxStatements {
  /** `$1` id, `$2` slot, `$3` key, `$4` topic, `$5` payload. */
  readonly add: string;
  /** `$1` key: who holds it is alone with the key until the transaction ends. */
  readonly lockKey: string;
  /** `$1` partitions, `$2` partition, `$3` keys left out, `$4` limit. */
  readonly fetch: string;
  /** `$1` ids. */
  readonly remove: string;
  /** `$1` id, `$2` attempts. */
  readonly fail: string;
  /** `$1` id, `$2` attempts, `$3` problem. */
  readonly bury: string;
  /** `$1` partitions, `$2` partition. One row: `pending`, counted to 10000, and `at_ms`. */
  readonly backlog: string;
  /** `$1` state, `$2` after this `seq`, `$3` limit. */
  readonly list: string;
  /** `$1` id. A new `seq`: it goes to the end of its key. */
  readonly redrive: string;
  /** `$1` id. */
  readonly drop: string;
}

/** The statements on `table`. @throws INVALID_ARGUMENT */
export function outboxStatements(table: string): OutboxStatements {
  const name = quoteTable(table);
  const atMs = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
  const columns = `id, key, topic, payload, attempts, ${atMs("created_at")} AS at_ms`;
  const ours = "state = 'pending' AND slot % $1::int = $2::int";
  return {
    add: `INSERT INTO ${name} (id, slot, key, topic, payload) VALUES ($1, $2, $3, $4, $5)`,
    lockKey: `SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7091))`,
    fetch: `SELECT ${columns} FROM ${name}
      WHERE ${ours} AND NOT (key = ANY ($3::text[])) ORDER BY seq LIMIT $4`,
    remove: `DELETE FROM ${name} WHERE id = ANY ($1::text[])`,
    fail: `UPDATE ${name} SET attempts = greatest(attempts, $2::int)
      WHERE id = $1 AND state = 'pending'`,
    bury: `UPDATE ${name} SET state = 'dead', attempts = $2::int, problem = $3,
      dead_at = clock_timestamp() WHERE id = $1 AND state = 'pending'`,
    backlog: `SELECT count(*)::int AS pending, min(at_ms) AS at_ms FROM (
      SELECT ${atMs("created_at")} AS at_ms FROM ${name} WHERE ${ours} ORDER BY seq LIMIT 10000
    ) AS oldest`,
    list: `SELECT ${columns}, problem, ${atMs("dead_at")} AS dead_at_ms, seq::text AS seq
      FROM ${name} WHERE state = $1 AND seq > $2::bigint ORDER BY seq LIMIT $3`,
    redrive: `UPDATE ${name} SET state = 'pending', attempts = 0, problem = NULL, dead_at = NULL,
        seq = DEFAULT WHERE id = $1 AND state = 'dead' RETURNING topic, key`,
    drop: `DELETE FROM ${name} WHERE id = $1 AND state = 'dead' RETURNING topic, key`,
  };
}
