/**
 * One call, one transaction: begin, `inTransaction`, commit, and repeat what PostgreSQL asks to be
 * repeated.
 *
 * The reply to COMMIT can be lost, and nobody knows then whether it happened. Here that is settled
 * by asking again under the same key: if it did, the answer is there; if it did not, the work runs.
 * So `work` may run several times, and takes effect once.
 *
 * Does not wait between attempts: there is nothing to wait for, as whoever was in the way of a
 * serializable transaction has committed, and the row's lock queues the duplicates.
 */
import {
  callable,
  invalidArgument,
  inRange,
  knownOptions,
  QuorateError,
  safeCause,
  show,
  type SqlClient,
} from "@quorate/core";

import { valueOf } from "./answers.ts";
import type { Answered } from "./begun.ts";
import {
  IN_TRANSACTION_NAMES,
  inTransaction,
  type InTransactionOptions,
} from "./in-transaction.ts";

/** A client that goes back to its pool. */
export interface PooledSqlClient extends SqlClient {
  /** Back to the pool; `true`: not to be used again. */
  release(destroy?: boolean): void;
  /** Where it is an event emitter: a lost connection must not be an unhandled `error`. */
  on?(event: "error", listener: (error: Error) => void): unknown;
  /** Reverses `on`. */
  off?(event: "error", listener: (error: Error) => void): unknown;
}

/** A pool of connections, such as that of `pg`. */
export interface SqlPool<C extends PooledSqlClient = PooledSqlClient> {
  /** One client for the caller alone, until `release`. */
  connect(): PromiseLike<C>;
  // Never called; without it the type of `pg`'s clients could not be inferred, as its `connect`
  // has a second form and TypeScript infers from the last.
  connect(callback: never): PromiseLike<C> | void;
}

/** How strictly the transaction is kept apart from others. */
export type Isolation = "read committed" | "repeatable read" | "serializable";

/** Options of `runInTransaction`. */
export interface RunInTransactionOptions extends InTransactionOptions {
  /** @default "read committed" */
  readonly isolation?: Isolation;
  /** Transactions begun at most, the first included, 1 to 100. @default 5 */
  readonly attempts?: number;
}

/** How one transaction ended. */
type Ended<T> =
  | { readonly kind: "committed"; readonly answered: Answered<T> }
  /** Repeat it; `inDoubt`: it may have been committed. */
  | { readonly kind: "again"; readonly error: unknown; readonly inDoubt: boolean };

const LEVELS: readonly Isolation[] = ["read committed", "repeatable read", "serializable"];
/** Serialization failure, and deadlock. */
const REPEATABLE: ReadonlySet<unknown> = new Set(["40001", "40P01"]);
/** The server hangs up: shutdown, crash of a neighbour, terminated by hand. */
const HANGING_UP: ReadonlySet<unknown> = new Set(["57P01", "57P02", "57P03"]);

/**
 * Runs `work` in a transaction of its own, once for its key, and resolves to its answer.
 *
 * `work` is given the client of the transaction, and must use no other. Its effects in the database
 * are committed together with the answer.
 *
 * @throws as `inTransaction`; and REFUSED, when the work refused, now or the first time.
 * @throws OUTCOME_UNKNOWN the reply to COMMIT was lost, and no later attempt could tell. The same
 *   call with the same key settles it.
 *
 * @example
 * import { runInTransaction, type SqlPool } from "@quorate/idempotency";
 * function pay(pool: SqlPool, order: { id: string; cents: number }) {
 *   return runInTransaction(pool, { key: order.id, fingerprint: order }, async (tx) => {
 *     await tx.query("INSERT INTO payments VALUES ($1, $2)", [order.id, order.cents]);
 *     return { paid: order.cents };
 *   });
 * }
 */
export async function runInTransaction<C extends PooledSqlClient, T>(
  pool: SqlPool<C>,
  options: RunInTransactionOptions,
  work: (tx: C) => T | PromiseLike<T>,
): Promise<T> {
  if (typeof pool?.connect !== "function") throw invalidArgument("pool", pool, "a pool of clients");
  knownOptions("options", options, [...IN_TRANSACTION_NAMES, "isolation", "attempts"]);
  callable("work", work);
  const { isolation = "read committed", attempts = 5, ...call } = options;
  if (!LEVELS.includes(isolation)) throw invalidArgument("isolation", isolation, LEVELS.join(", "));
  inRange("attempts", attempts, 1, 100);
  let doubt: unknown;
  const undoubted = (tx: C): T | PromiseLike<T> => {
    // The claim waited for the transaction in doubt, if it still was one, and found no row of it.
    doubt = undefined;
    return work(tx);
  };
  for (let attempt = 1; ; attempt++) {
    const ended = await attemptOnce(pool, isolation, call, undoubted).catch((error: unknown) => {
      throw doubt === undefined ? error : inDoubtError(call.key, doubt);
    });
    if (ended.kind === "committed") return valueOf(ended.answered).value;
    if (ended.inDoubt) doubt = ended.error;
    if (attempt < attempts) continue;
    throw doubt === undefined ? ended.error : inDoubtError(call.key, doubt);
  }
}

async function attemptOnce<C extends PooledSqlClient, T>(
  pool: SqlPool<C>,
  isolation: Isolation,
  call: InTransactionOptions,
  work: (tx: C) => T | PromiseLike<T>,
): Promise<Ended<T>> {
  const client = await pool.connect();
  // Told to whoever awaits a query as well; without a listener it would end the process.
  const ignore = (): void => {};
  client.on?.("error", ignore);
  let broken = false;
  let committing = false;
  try {
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    const answered = await inTransaction(client, call, () => work(client));
    committing = true;
    await client.query("COMMIT");
    return { kind: "committed", answered };
  } catch (error) {
    broken = !(await rolledBack(client));
    const inDoubt = committing && !saysNo(error);
    if (inDoubt || REPEATABLE.has(codeOf(error))) return { kind: "again", error, inDoubt };
    throw error;
  } finally {
    client.off?.("error", ignore);
    client.release(broken);
  }
}

/** False: the connection is of no use any more, and the server rolls back by itself. */
async function rolledBack(client: SqlClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false;
  }
}

/** True when the server itself answered that it will not commit. */
function saysNo(error: unknown): boolean {
  const answered = typeof (error as { severity?: unknown } | null)?.severity === "string";
  return answered && !HANGING_UP.has(codeOf(error));
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function inDoubtError(key: string, cause: unknown): QuorateError<"OUTCOME_UNKNOWN"> {
  const message =
    `the reply to COMMIT of ${show(key)} was lost, and PostgreSQL could not be asked again. Ask ` +
    "with the same key: if it was committed its answer is given, else the work runs";
  return new QuorateError("OUTCOME_UNKNOWN", message, {
    effect: "unknown",
    details: { operation: "idempotency.commit", key },
    cause: safeCause(cause),
  });
}
