/**
 * PostgreSQL as a participant: `PREPARE TRANSACTION`, then `COMMIT PREPARED` or its opposite.
 *
 * The connection is checked out while the work runs, and given back with the vote: a prepared
 * transaction belongs to no connection. It holds its locks over crashes and restarts of everybody
 * until it is told; the name that it was given says by whom (see `branch.ts`).
 *
 * A branch that wrote nothing votes `read-only`: it is committed with the vote, and is out of it.
 *
 * `COMMIT PREPARED` of what is not there (42704) is taken as done. It can only be told to a branch
 * that voted yes, and such a one is there until it was carried out, by an earlier try whose answer
 * was lost, or by another worker. HAZARD: also by a person who typed `ROLLBACK PREPARED`, or by
 * a restored backup; nothing in PostgreSQL tells these apart.
 *
 * Guarantees: nothing of a branch is visible before the decision. Does not guarantee that a
 * session's own things survive the vote: advisory locks of the session stay with the connection,
 * and PostgreSQL refuses to prepare what used temporary tables or NOTIFY, which is a no.
 */
import { callable, invalidArgument, knownOptions, onAbort } from "@quorate/core";
import { type Branch, parseBranchName } from "./branch.ts";
import { abortedError } from "./errors.ts";
import { participate } from "./machine.ts";
import type { Ballot, Begun, BranchCall, InDoubtBranch, Participant } from "./participant.ts";
import {
  checkPreparing,
  hush,
  isDefiniteNo,
  isRolledBack,
  NOTHING_PREPARED,
  quotedName,
  type SqlConnection,
  type SqlPool,
  sqlStateOf,
  whyNot,
  withConnection,
} from "./postgres-sql.ts";

/** How a branch's local transaction is isolated. */
export type SqlIsolation = "read committed" | "repeatable read" | "serializable";

/** Options of `postgresParticipant`. */
export interface PostgresParticipantOptions {
  /** @default "read committed", as PostgreSQL has it */
  readonly isolation?: SqlIsolation;
}

const ISOLATIONS: readonly unknown[] = ["read committed", "repeatable read", "serializable"];
/** Most prepared branches that one look takes up. */
const MOST_IN_DOUBT = 500;

/**
 * A participant on the databases that `pool` connects to. The work is given the connection itself;
 * it must neither end the transaction nor release it.
 *
 * One pool is one database. All processes that serve it connect as the same user, or as a
 * superuser: PostgreSQL lets nobody else carry out what was prepared.
 *
 * @throws INVALID_ARGUMENT at once; UNSUPPORTED from `ready` and `run` where the server's
 *   `max_prepared_transactions` is 0.
 */
export function postgresParticipant<C extends SqlConnection = SqlConnection>(
  pool: SqlPool<C>,
  options: PostgresParticipantOptions = {},
): Participant<C> {
  callable("pool.connect", pool?.connect);
  const begin = beginStatement(options);
  return {
    kind: "postgres",
    canCommitAlone: true,
    ready: (call) => checkPreparing(pool, call),
    begin: (branch, call) => beginOn(pool, branch, { begin, call }),
    commit: (branch, call) => carryOut(pool, branch, { order: "commit", call }),
    abort: (branch, call) => carryOut(pool, branch, { order: "abort", call }),
    inDoubt: (prefix, call) => preparedOn(pool, prefix, call),
  };
}

/** The statement that begins a branch. @throws INVALID_ARGUMENT */
export function beginStatement(options: PostgresParticipantOptions): string {
  knownOptions("options", options, ["isolation"]);
  const { isolation = "read committed" } = options;
  if (!ISOLATIONS.includes(isolation)) {
    throw invalidArgument("isolation", isolation, `one of ${ISOLATIONS.join(", ")}`);
  }
  return `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`;
}

async function beginOn<C extends SqlConnection>(
  pool: SqlPool<C>,
  branch: Branch,
  { begin, call }: { readonly begin: string; readonly call: BranchCall },
): Promise<Begun<C>> {
  const open = await OpenTransaction.begin(pool, begin, call);
  return {
    handle: open.connection,
    prepare: () => prepare(open, branch),
    commitAlone: () => commitAlone(open, branch),
    release: (how) => open.release(how),
  };
}

/** A connection with a transaction on it, given back once. */
export class OpenTransaction<C extends SqlConnection = SqlConnection> {
  readonly connection: C;
  readonly #unhush: () => void;
  #state: "open" | "busy" | "over" = "open";

  constructor(connection: C) {
    this.connection = connection;
    this.#unhush = hush(connection);
  }

  /** Takes a connection and begins. */
  static async begin<C extends SqlConnection>(
    pool: SqlPool<C>,
    statement: string,
    { signal }: BranchCall,
  ): Promise<OpenTransaction<C>> {
    const connection = await pool.connect();
    const open = new OpenTransaction(connection);
    // Nobody waits any more: a server that does not answer must not keep the connection.
    const off = onAbort(signal, () => open.#end(true));
    try {
      await connection.query(statement);
      return open;
    } catch (error) {
      open.#end(true);
      throw error;
    } finally {
      off();
    }
  }

  /** The statement that ends the transaction; the connection goes back to its pool after it. */
  async finish(statement: string): Promise<"ended" | "rolled back"> {
    this.#state = "busy";
    try {
      const result = await this.connection.query(statement);
      this.#end(false);
      return isRolledBack(result) ? "rolled back" : "ended";
    } catch (error) {
      // Where the server said no, the transaction is over; else nothing is known of either.
      this.#end(!isDefiniteNo(error));
      throw error;
    }
  }

  /** Rolls back what has not ended; closes the connection where its state is not known. */
  async release(how: "ended" | "abandoned"): Promise<void> {
    if (this.#state === "over") return;
    // A ROLLBACK would wait in line behind what the work has asked, maybe for a lock.
    if (this.#state === "busy" || how === "abandoned") return this.#end(true);
    this.#state = "busy";
    try {
      await this.connection.query("ROLLBACK");
      this.#end(false);
    } catch {
      this.#end(true);
    }
  }

  #end(destroy: boolean): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#unhush();
    this.connection.release(destroy);
  }
}

async function prepare(open: OpenTransaction, branch: Branch): Promise<Ballot> {
  try {
    // Also finds a transaction that has failed inside, which a PREPARE would roll back silently.
    const { rows } = await open.connection.query(
      "SELECT pg_current_xact_id_if_assigned() IS NULL AS untouched",
    );
    const { untouched } = rows[0] as { readonly untouched: boolean };
    const statement = untouched ? "COMMIT" : `PREPARE TRANSACTION ${quotedName(branch)}`;
    if ((await open.finish(statement)) === "rolled back")
      return { vote: "no", why: "it had failed" };
    return { vote: untouched ? "read-only" : "yes" };
  } catch (error) {
    if (isDefiniteNo(error)) return { vote: "no", why: whyNot(error), cause: error };
    throw error;
  }
}

async function commitAlone(open: OpenTransaction, branch: Branch): Promise<void> {
  try {
    await open.connection.query("SELECT 1"); // As above.
    if ((await open.finish("COMMIT")) === "ended") return;
  } catch (error) {
    if (!isDefiniteNo(error)) throw error;
    throw abortedError(branch.id, `${branch.participant}: ${whyNot(error)}`, error);
  }
  throw abortedError(branch.id, `${branch.participant}: it had failed`);
}

async function carryOut(
  pool: SqlPool,
  branch: Branch,
  { order, call }: { readonly order: "commit" | "abort"; readonly call: BranchCall },
): Promise<void> {
  const act = participate("prepared", order);
  const statement = act === "commit" ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
  try {
    await withConnection(pool, call, async (connection) =>
      connection.query(`${statement} ${quotedName(branch)}`),
    );
  } catch (error) {
    const isGone = sqlStateOf(error) === NOTHING_PREPARED;
    if (isGone && participate("nothing", order) === "done") return;
    throw error;
  }
}

async function preparedOn(
  pool: SqlPool,
  prefix: string,
  call: BranchCall,
): Promise<readonly InDoubtBranch[]> {
  const { rows } = await withConnection(pool, call, async (connection) =>
    connection.query(
      `SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8 * 1000 AS age_ms
       FROM pg_prepared_xacts
       WHERE database = current_database() AND left(gid, length($1)) = $1
       ORDER BY prepared LIMIT ${MOST_IN_DOUBT}`,
      [prefix],
    ),
  );
  return rows.flatMap((row) => {
    const { gid, age_ms: ageMs } = row as { readonly gid: string; readonly age_ms: number };
    const branch = parseBranchName(gid);
    return branch === undefined ? [] : [{ branch, ageMs: Math.max(0, ageMs) }];
  });
}

/** A lock that a prepared branch holds. */
export interface HeldLock {
  /** The branch's name on the server; `COMMIT PREPARED` and `ROLLBACK PREPARED` take it. */
  readonly gid: string;
  /** Of which transaction; `undefined`: not one of ours. */
  readonly branch: Branch | undefined;
  /** Since it was prepared, in milliseconds. */
  readonly ageMs: number;
  /** As PostgreSQL calls it: `orders`, or the kind of a lock that is not on a table. */
  readonly what: string;
  /** As PostgreSQL calls it: `RowExclusiveLock`. */
  readonly mode: string;
}

/**
 * Locks that prepared transactions hold in this database, ours and others', oldest first, at most
 * 1000: what to look at when something waits and no session is to blame.
 */
export async function preparedLocks(
  pool: SqlPool,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly HeldLock[]> {
  callable("pool.connect", pool?.connect);
  const { rows } = await withConnection(pool, options, async (connection) =>
    // A prepared transaction has no process; by the lock on its own number it is known which
    // virtual transaction the others stand under (its session's, until a restart).
    connection.query(
      `SELECT p.gid, extract(epoch FROM clock_timestamp() - p.prepared)::float8 * 1000 AS age_ms,
         coalesce(l.relation::regclass::text, l.locktype) AS what, l.mode
       FROM pg_prepared_xacts p
       JOIN pg_locks own ON own.transactionid = p.transaction AND own.pid IS NULL
       JOIN pg_locks l ON l.virtualtransaction = own.virtualtransaction AND l.pid IS NULL
         AND l.locktype <> 'transactionid'
       WHERE p.database = current_database() ORDER BY p.prepared, what LIMIT 1000`,
    ),
  );
  return rows.map((row) => {
    const { gid, age_ms, what, mode } = row as {
      readonly [name in "gid" | "what" | "mode"]: string;
    } & { readonly age_ms: number };
    return { gid, branch: parseBranchName(gid), ageMs: Math.max(0, age_ms), what, mode };
  });
}
