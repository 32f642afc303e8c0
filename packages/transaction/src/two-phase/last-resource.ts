/**
 * A last resource: one database that cannot prepare, whose own commit is the commit point.
 *
 * All others prepare first. Then its local transaction writes a status row, `committed`, and
 * commits: row and work together. Whoever has to know how it ended, and finds no row, writes
 * `aborted` there; the row's key lets one of the two in. So the answer is in that database, and
 * the coordinator's record follows it.
 *
 * Guarantees: the others commit if, and only if, the status row says so. Does not guarantee
 * anything for two such databases in one transaction: it is refused.
 *
 * HAZARD: rows are removed by you. One that goes while a coordinator of that time still has its
 * transaction open lets it commit what everybody else has aborted; keep them for a week.
 */
import { callable, knownOptions, quoteTable } from "@quorate/core";
import { type Branch, branchName } from "./branch.ts";
import type { Begun, BranchCall, Participant } from "./participant.ts";
import { beginStatement, OpenTransaction, type SqlIsolation } from "./postgres.ts";
import { isDefiniteNo, type SqlConnection, type SqlPool, withConnection } from "./postgres-sql.ts";
import type { Decision } from "./record.ts";

/** Options of `postgresLastResource`. */
export interface LastResourceOptions {
  /** Of status rows: a name, or `schema.name`. @default "quorate_transactions" */
  readonly table?: string;
  /** @default "read committed" */
  readonly isolation?: SqlIsolation;
}

const DEFAULT_TABLE = "quorate_transactions";
/** Longest wait for a coordinator that is in the middle of its commit. */
const SETTLE_LOCK_MS = 5_000;

/**
 * SQL that makes the table of status rows where it is not there yet: for your migrations.
 *
 * @throws INVALID_ARGUMENT `table` is not a name, or `schema.name`, of letters, digits and `_`.
 *
 * @example
 * import { lastResourceTable } from "@quorate/transaction";
 * console.log(lastResourceTable("billing.decisions").split("\n")[0]);
 * // => CREATE TABLE IF NOT EXISTS "billing"."decisions" (
 */
export function lastResourceTable(table: string = DEFAULT_TABLE): string {
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table, false)} (
  branch text PRIMARY KEY,
  decision text NOT NULL CHECK (decision IN ('committed', 'aborted')),
  decided_at timestamptz NOT NULL DEFAULT clock_timestamp()
);`;
}

/**
 * The one participant that need not be able to prepare; the table of `lastResourceTable` must be
 * there. `pool` as for `postgresParticipant`; PostgreSQL 10 and newer.
 *
 * @throws INVALID_ARGUMENT
 */
export function postgresLastResource<C extends SqlConnection = SqlConnection>(
  pool: SqlPool<C>,
  options: LastResourceOptions = {},
): Participant<C> {
  callable("pool.connect", pool?.connect);
  knownOptions("options", options, ["table", "isolation"]);
  const { table = DEFAULT_TABLE, isolation } = options;
  const quoted = quoteTable(table, false);
  const begin = beginStatement(isolation === undefined ? {} : { isolation });
  return {
    kind: "postgres",
    isLastResource: true,
    begin: (branch, call) => beginLast(pool, branch, { begin, table: quoted, call }),
    settle: (branch, call) => settleIn(pool, branch, { table: quoted, call }),
    // Its own commit was the decision: there is nothing left to carry out.
    commit: async () => {},
    abort: async () => {},
  };
}

interface Beginning {
  readonly begin: string;
  readonly table: string;
  readonly call: BranchCall;
}

async function beginLast<C extends SqlConnection>(
  pool: SqlPool<C>,
  branch: Branch,
  { begin, table, call }: Beginning,
): Promise<Begun<C>> {
  const open = await OpenTransaction.begin(pool, begin, call);
  return {
    handle: open.connection,
    prepare: async () => ({ vote: "yes" }),
    release: (how) => open.release(how),
    commitLast: () => commitWithRow(open, branch, table),
  };
}

/** The work and its row, or neither. @throws nobody knows: `settle` it. */
async function commitWithRow(
  open: OpenTransaction,
  branch: Branch,
  table: string,
): Promise<Decision> {
  try {
    const { rows } = await open.connection.query(
      `INSERT INTO ${table} (branch, decision) VALUES ($1, 'committed')
       ON CONFLICT (branch) DO NOTHING RETURNING 1`,
      [branchName(branch)],
    );
    // Somebody has settled that it shall not.
    if (rows.length === 0) return "aborted";
    return (await open.finish("COMMIT")) === "ended" ? "committed" : "aborted";
  } catch (error) {
    if (isDefiniteNo(error)) return "aborted";
    throw error;
  }
}

async function settleIn(
  pool: SqlPool,
  branch: Branch,
  { table, call }: Omit<Beginning, "begin">,
): Promise<Decision> {
  const name = branchName(branch);
  const { rows } = await withConnection(pool, call, async (connection) => {
    await connection.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    try {
      await connection.query(`SET LOCAL lock_timeout = ${SETTLE_LOCK_MS}`);
      // Waits for a coordinator that is committing at this moment, and then for its outcome.
      await connection.query(
        `INSERT INTO ${table} (branch, decision) VALUES ($1, 'aborted')
         ON CONFLICT (branch) DO NOTHING`,
        [name],
      );
      const found = await connection.query(`SELECT decision FROM ${table} WHERE branch = $1`, [
        name,
      ]);
      await connection.query("COMMIT");
      return found;
    } catch (error) {
      await connection.query("ROLLBACK");
      throw error;
    }
  });
  const { decision } = rows[0] as { readonly decision: Decision };
  return decision;
}
