/**
 * What the PostgreSQL participants need of a client library, and what its errors mean.
 *
 * Structural: `pg`'s pool fits, and so does whatever has the same three methods.
 */
import { onAbort, type QuorateError, safeCause } from "@quorate/core";
import { type Branch, branchName } from "./branch.ts";
import { unsupportedError } from "./errors.ts";

/** One connection out of a pool. */
export interface SqlConnection {
  /** Runs one statement with its `$1, $2, …`; without values it may be several. */
  query(text: string, values?: unknown[]): PromiseLike<SqlResult>;
  /** Gives it back; `true`: it is of no more use, close it. */
  release(destroy?: boolean): void;
  /** Tells of a connection that broke; of `pg`, a process that does not hear it ends. */
  on?(event: "error", listener: (error: Error) => void): unknown;
  off?(event: "error", listener: (error: Error) => void): unknown;
}

/** An answer. */
export interface SqlResult {
  readonly rows: readonly unknown[];
  /** The first word of the command's tag, as `pg` has it: `PREPARE`, `ROLLBACK`. */
  readonly command?: string;
}

/** Where connections come from. */
export interface SqlPool<C extends SqlConnection = SqlConnection> {
  connect(): Promise<C>;
}

/** SQLSTATE 42704, undefined_object: no prepared transaction has that name. */
export const NOTHING_PREPARED = "42704";

/** The five characters in which PostgreSQL says what went wrong; `undefined`: it did not answer. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * Whether the server itself says so: then the transaction is rolled back. Of the classes that end a
 * connection (57P, XX, 08) and of silence nothing is known.
 */
export function isDefiniteNo(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && !/^(?:08|57P|58|XX|F0)/.test(state);
}

/** The branch's name between quotes. Its alphabet has no quote and no backslash. */
export function quotedName(branch: Branch): string {
  return `'${branchName(branch)}'`;
}

/** What a no is told with: the state and the server's words for it. */
export function whyNot(error: unknown): string {
  const state = sqlStateOf(error);
  return state === undefined ? safeCause(error).message : `SQLSTATE ${state}`;
}

/** A transaction that has failed inside answers a commit with a rollback, and no error. */
export function isRolledBack({ command }: SqlResult): boolean {
  return command !== undefined && /^rollback$/i.test(command);
}

/**
 * Keeps a connection that breaks while it is idle in our hands from ending the process: `pg` tells
 * it as an event that nobody else listens to. The next statement fails all the same.
 */
export function hush(connection: SqlConnection): () => void {
  const listener = (): void => {};
  connection.on?.("error", listener);
  return () => void connection.off?.("error", listener);
}

/** Runs `work` on a connection of its own. What fails in a way that says nothing is closed. */
export async function withConnection<T>(
  pool: SqlPool,
  { signal }: { readonly signal?: AbortSignal | undefined },
  work: (connection: SqlConnection) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect();
  const unhush = hush(connection);
  let isOut = true;
  const release = (destroy: boolean): void => {
    if (!isOut) return;
    isOut = false;
    unhush();
    connection.release(destroy);
  };
  // Nobody waits any more: a server that does not answer must not keep the connection.
  const off = onAbort(signal, () => release(true));
  try {
    const result = await work(connection);
    release(false);
    return result;
  } catch (error) {
    release(!isDefiniteNo(error));
    throw error;
  } finally {
    off();
  }
}

/** @throws UNSUPPORTED the server has no room for prepared transactions. */
export async function checkPreparing(
  pool: SqlPool,
  call: { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { rows } = await withConnection(pool, call, async (connection) =>
    connection.query("SELECT current_setting('max_prepared_transactions')::int AS most"),
  );
  const { most } = rows[0] as { readonly most: number };
  if (most === 0) throw notPreparing();
}

function notPreparing(): QuorateError<"UNSUPPORTED"> {
  return unsupportedError(
    "PREPARE TRANSACTION",
    "this PostgreSQL has max_prepared_transactions = 0, its default. Set it to at least the " +
      "number of connections that may prepare at once, and restart the server; or let one " +
      "participant be the last resource (postgresLastResource)",
  );
}
