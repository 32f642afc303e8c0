/**
 * Idempotency inside a SQL transaction: the record and the effect commit together, or neither.
 *
 * Everywhere else a run that died between its effect and its record leaves a doubt. Here there is
 * none: the row that says "answered" is written by the very transaction that does the work. If it
 * commits, every repeat is given the answer; if it does not, nothing happened, and a repeat runs.
 *
 * A duplicate that comes while the first is at work waits in the database, for the first one's row;
 * then it replays, or runs if the first was rolled back. At READ COMMITTED that is all. At
 * REPEATABLE READ and SERIALIZABLE a duplicate that had to wait cannot see in its snapshot what it
 * waited for, and PostgreSQL fails it with SQLSTATE 40001: repeat the whole transaction, as always
 * at these levels (`runInTransaction` does).
 *
 * Guarantees: effectively once, over crashes of process and database, for effects in the same
 * database and transaction. Does not guarantee anything of effects elsewhere (a mail, another
 * service): those need their own key, or an outbox row in this transaction. A wait for the first
 * run takes no `signal`; bound it by PostgreSQL's own `lock_timeout`.
 */
import {
  boundedString,
  callable,
  invalidArgument,
  isQuorateError,
  knownOptions,
  type Ms,
  QuorateError,
  show,
  ttl,
  type SqlClient,
} from "@quorate/core";

import { readAnswer } from "./answers.ts";
import type { Answered } from "./begun.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import { inFlightError, mismatchError } from "./errors.ts";
import { fingerprint } from "./fingerprint.ts";
import { checkScope, DEFAULT_TTL_MS, MAX_KEY_BYTES } from "./options.ts";
import { DEFAULT_SQL_TABLE, type Statements, statementsOn } from "./postgres-table.ts";

/** What names one call, and how long its answer is kept. */
export interface InTransactionOptions {
  /** 1 to 1024 bytes, without NUL. */
  readonly key: string;
  /** Whose key it is (tenant, user): equal keys of two scopes never meet. @default none */
  readonly scope?: string | undefined;
  /**
   * The request, as any JSON value: another one under the same key is IDEMPOTENCY_MISMATCH.
   * `undefined`: not compared, and then every call of the key must leave it out.
   */
  readonly fingerprint?: unknown;
  /** How long the answer is kept, from its completion on. @default 86400000 (24 h) */
  readonly ttlMs?: Ms;
  /** Made by `idempotencyTable`. @default "quorate_idempotency" */
  readonly table?: string;
  /** Makes text of answers. @default jsonCodec */
  readonly codec?: Codec;
}

/** Names of the options. */
export const IN_TRANSACTION_NAMES = [
  "key",
  "scope",
  "fingerprint",
  "ttlMs",
  "table",
  "codec",
] as const;

/** A call, checked: nothing of it changes any more. */
interface Call {
  readonly key: string;
  /** Of every statement: scope and key. */
  readonly place: readonly [string, string];
  readonly fingerprint: string;
  readonly ttlMs: Ms;
  readonly statements: Statements;
  readonly codec: Codec;
}

interface Row {
  readonly state: "claimed" | "running" | "completed" | "refused";
  readonly fingerprint: string;
  readonly answer: string;
  readonly at_ms: number;
  readonly expired: boolean;
}

/** Each look finds another owner's row come or gone; so many in a row is no coincidence. */
const MAX_LOOKS = 10;

// Names of savepoints: a work within a work must not take the outer one's for its own.
let savepoints = 0;

/**
 * Runs `work` in the transaction that is open on `tx`, unless the key is answered. One round trip
 * for a repeat; three beside those of `work` for a first run.
 *
 * **Then commit, whatever the answer is**, and return `value` or throw `error`: also a refusal is
 * stored by the commit. What `work` wrote before it threw `refuse()` is rolled back to a savepoint.
 * Any other error is thrown on, with what `work` wrote and the claim undone: roll back.
 *
 * @throws IDEMPOTENCY_MISMATCH the key was used with another fingerprint. Nothing ran.
 * @throws RECORD_INVALID the row is damaged, or was committed before its work had ended.
 * @throws INVALID_ARGUMENT an option; no transaction is open on `tx`; a result that cannot be
 *   stored (`result.items[3]`), of which then nothing is written.
 * @throws whatever `tx` throws, as it is: SQLSTATE 40001 and 40P01 mean "repeat the transaction".
 *
 * @example
 * import { inTransaction, type SqlClient } from "@quorate/idempotency";
 * async function pay(tx: SqlClient, order: { id: string; cents: number }) {
 *   await tx.query("BEGIN");
 *   const answered = await inTransaction(tx, { key: order.id, fingerprint: order }, async () => {
 *     await tx.query("INSERT INTO payments VALUES ($1, $2)", [order.id, order.cents]);
 *     return { paid: order.cents };
 *   });
 *   await tx.query("COMMIT");
 *   if (answered.kind !== "replay") throw answered.error;
 *   return answered.value;
 * }
 */
export async function inTransaction<T>(
  tx: SqlClient,
  options: InTransactionOptions,
  work: () => T | PromiseLike<T>,
): Promise<Answered<T>> {
  callable("work", work);
  const call = check(tx, options);
  const row = await claim(tx, call);
  if (row.state !== "claimed") return replay(row, call);
  const savepoint = `quorate_${(savepoints += 1)}`;
  await begin(tx, call, savepoint);
  try {
    const value = await work();
    return await answer(tx, call, "completed", call.codec.encode(value));
  } catch (error) {
    await undo(tx, savepoint, error);
    if (isQuorateError(error, "REFUSED")) return refused(tx, call, error);
    await unclaim(tx, call, error);
    throw error;
  }
}

function check(tx: SqlClient, options: InTransactionOptions): Call {
  if (typeof tx?.query !== "function") throw invalidArgument("tx", tx, "a client with query()");
  knownOptions("options", options, IN_TRANSACTION_NAMES);
  const key = boundedString("key", options.key, MAX_KEY_BYTES);
  const scope = checkScope(options.scope) ?? "";
  // PostgreSQL's text cannot hold it, and would say so only after the transaction is spoilt.
  if (key.includes("\0")) throw invalidArgument("key", key, "free of NUL");
  if (scope.includes("\0")) throw invalidArgument("scope", scope, "free of NUL");
  const request = options.fingerprint;
  return {
    key,
    place: [scope, key],
    fingerprint: request === undefined ? "" : fingerprint(request, { name: "fingerprint" }),
    ttlMs: ttl("ttlMs", options.ttlMs ?? DEFAULT_TTL_MS),
    statements: statementsOn(options.table ?? DEFAULT_SQL_TABLE),
    codec: options.codec ?? jsonCodec,
  };
}

async function claim(tx: SqlClient, call: Call): Promise<Row> {
  const { place, statements } = call;
  for (let look = 0; look < MAX_LOOKS; look++) {
    const values = [...place, call.fingerprint, call.ttlMs];
    const [row] = (await tx.query(statements.claim, values)).rows as readonly Row[];
    if (row?.expired === true) await tx.query(statements.expire, [...place]);
    else if (row !== undefined) return row;
  }
  throw inFlightError(call.key, "its row changed hands at every look", 1);
}

function replay<T>(row: Row, call: Call): Answered<T> {
  const { state, fingerprint: found, answer: text, at_ms: atMs } = row;
  if (found !== call.fingerprint) throw mismatchError(call.key);
  if (state === "completed" || state === "refused") {
    return readAnswer({ state, text, atMs }, call.codec, call.key, true);
  }
  throw invalidRecord(
    call.key,
    "it has no answer: the same key is at work in this very transaction, or a transaction was " +
      "committed before its work had ended. Nothing ran",
    "none",
  );
}

/** The savepoint; outside a transaction there can be none, and the claim stands alone. */
async function begin(tx: SqlClient, call: Call, savepoint: string): Promise<void> {
  try {
    await tx.query(`SAVEPOINT ${savepoint}`);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== NO_TRANSACTION) throw error;
    await tx.query(call.statements.unclaim, [...call.place]);
    throw invalidArgument("tx", tx, "one client, on which BEGIN was said, and not a pool");
  }
}

const NO_TRANSACTION = "25P01";

async function answer<T>(
  tx: SqlClient,
  call: Call,
  state: "completed" | "refused",
  text: string,
): Promise<Answered<T>> {
  const values = [...call.place, state, text, call.ttlMs];
  const [row] = (await tx.query(call.statements.answer, values)).rows as readonly Row[];
  if (row === undefined) {
    const why = "it is gone: the work ended or rolled back the transaction that it ran in";
    throw invalidRecord(call.key, why, "unknown");
  }
  return readAnswer({ state, text, atMs: row.at_ms }, call.codec, call.key, false);
}

function refused<T>(
  tx: SqlClient,
  call: Call,
  { details: { reason, data } }: QuorateError<"REFUSED">,
): Promise<Answered<T>> {
  return answer(tx, call, "refused", call.codec.encode({ reason, data }));
}

/** Where that fails too, the connection is lost and all is undone; the first error says more. */
async function undo(tx: SqlClient, savepoint: string, error: unknown): Promise<void> {
  try {
    await tx.query(`ROLLBACK TO SAVEPOINT ${savepoint}`);
  } catch {
    throw error;
  }
}

/** For a caller who commits all the same: what stands behind the claim must not be committed. */
async function unclaim(tx: SqlClient, call: Call, error: unknown): Promise<void> {
  try {
    await tx.query(call.statements.unclaim, [...call.place]);
  } catch {
    throw error;
  }
}

function invalidRecord(
  key: string,
  reason: string,
  effect: "none" | "unknown",
): QuorateError<"RECORD_INVALID"> {
  const message = `the record of ${show(key)} cannot be used: ${reason}`;
  return new QuorateError("RECORD_INVALID", message, { effect, details: { key, reason } });
}
