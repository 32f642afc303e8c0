/**
 * The barrier in the participant's database: it commits with the rows that the work changes, or not
 * at all.
 *
 * One row per branch. The first statement makes it, or waits for whoever is at it, and locks it; so
 * duplicates, and a try that races its cancel, come one after the other. What the row says decides,
 * by the same table as everywhere. If the transaction is rolled back, the row is as it was.
 *
 * Guarantees: exactly one effect per operation of a branch, over crashes of process and database,
 * for
 * effects in this database and transaction. Does not guarantee anything of effects elsewhere: a
 * rolled back try whose mail was sent leaves a mail that no cancel takes back. Those belong behind
 * `createBarrier`, or in an outbox row of this transaction.
 *
 * The idea of a row per branch in the business transaction is dtm's barrier and Seata's fence; the
 * tombstone that is never deleted on contact is ours.
 */
import {
  callable,
  invalidArgument,
  isQuorateError,
  knownOptions,
  type Json,
  type Ms,
  parseJson,
  type QuorateError,
  ttl,
  type SqlClient,
} from "@quorate/core";

import { type Answer, jsonOf, NOTHING, refusalOf, valueOf } from "./answer.ts";
import { checkBranch } from "./branch.ts";
import { recordInvalid, refusedError } from "./errors.ts";
import { actionFor, type BranchState, type Operation, OPERATIONS, SETTLED } from "./machine.ts";
import { DEFAULT_RESULT_BYTES, DEFAULT_RETENTION_MS } from "./options.ts";
import { type Answers, decodeAnswers, encodeAnswers } from "./record.ts";
import { type BarrierStatements, barrierStatements, DEFAULT_BARRIER_TABLE } from "./sql-table.ts";

/** What names one call. */
export interface InTransactionBarrierOptions {
  /** `<transaction>/<step>`; `...branchOf(key)` gives branch and operation of a key. */
  readonly branch: string;
  readonly operation: Operation;
  /** How long the branch is remembered, from this call on. @default 7 days */
  readonly retentionMs?: Ms;
  /** Made by `barrierTable`. @default "quorate_barrier" */
  readonly table?: string;
}

/** What came of it. Commit in both cases: a refusal is remembered too. */
export type BarrierAnswer<T> = { readonly replayed: boolean } & (
  | { readonly kind: "value"; readonly value: T | undefined }
  | { readonly kind: "refused"; readonly error: QuorateError<"REFUSED"> }
);

interface Call {
  readonly branch: string;
  readonly operation: Operation;
  readonly retentionMs: Ms;
  readonly statements: BarrierStatements;
}

interface Row {
  readonly state: BranchState;
  readonly answers: string | null;
}

// Names of savepoints: a work within a work must not take the outer one's for its own.
let savepoints = 0;
const NO_TRANSACTION = "25P01";

/**
 * Runs `work` in the transaction that is open on `tx`, unless the branch's row knows better. One
 * round trip for a repeat; three beside those of `work` for a first run.
 *
 * **Then commit, whatever the answer is**, and return `value` or throw `error`. What `work` wrote
 * before it threw `refuse()` is rolled back to a savepoint. Any other error is thrown on: roll
 * back.
 *
 * @throws BARRIER_REFUSED a try after its cancel, a confirm of what is not tried, or a conflict:
 *   nothing ran. Roll back or commit, it is the same.
 * @throws RECORD_INVALID the row is damaged.
 * @throws INVALID_ARGUMENT an option; no transaction is open on `tx`; a result that is not JSON.
 * @throws whatever `tx` throws, as it is: SQLSTATE 40001 and 40P01 mean "repeat the transaction".
 *
 * @example
 * import { barrierInTransaction, branchOf, type SqlClient } from "@quorate/transaction";
 * async function debit(tx: SqlClient, key: string, cents: number) {
 *   await tx.query("BEGIN");
 *   const answer = await barrierInTransaction(tx, branchOf(key), async () => {
 *     await tx.query("UPDATE account SET cents = cents - $1", [cents]);
 *   });
 *   await tx.query("COMMIT");
 *   if (answer.kind === "refused") throw answer.error;
 * }
 */
export async function barrierInTransaction<T>(
  tx: SqlClient,
  options: InTransactionBarrierOptions,
  work: (tried: Json | undefined) => T | PromiseLike<T>,
): Promise<BarrierAnswer<T>> {
  callable("work", work);
  const call = check(tx, options);
  const { branch, operation, retentionMs, statements } = call;
  const { rows } = await tx.query(statements.enter, [branch, retentionMs]);
  const row = rows[0] as Row;
  const answers = readAnswers(row, branch);
  const action = actionFor(operation, row.state);
  if (action === "replay") {
    return { ...given<T>(answers.get(operation) ?? NOTHING, branch), replayed: true };
  }
  if (action === "bury") {
    await settle(tx, call, "cancelled", new Map(answers).set("cancel", NOTHING));
    return { kind: "value", value: undefined, replayed: false };
  }
  if (action !== "work") {
    throw refusedError(branch, operation, row.state, action === "again" ? "conflict" : action);
  }
  return { ...(await runWork(tx, call, answers, work)), replayed: false };
}

function check(tx: SqlClient, options: InTransactionBarrierOptions): Call {
  if (typeof tx?.query !== "function") throw invalidArgument("tx", tx, "a client with query()");
  knownOptions("options", options, ["branch", "operation", "retentionMs", "table"]);
  const { operation } = options;
  if (!OPERATIONS.includes(operation)) {
    throw invalidArgument("operation", operation, OPERATIONS.join(", "));
  }
  return {
    branch: checkBranch("branch", options.branch),
    operation,
    retentionMs: ttl("retentionMs", options.retentionMs ?? DEFAULT_RETENTION_MS, 1_000),
    statements: barrierStatements(options.table ?? DEFAULT_BARRIER_TABLE),
  };
}

async function runWork<T>(
  tx: SqlClient,
  call: Call,
  answers: Answers,
  work: (tried: Json | undefined) => T | PromiseLike<T>,
): Promise<Given<T>> {
  const { branch, operation } = call;
  const savepoint = `quorate_barrier_${(savepoints += 1)}`;
  await begin(tx, savepoint);
  const tried = answers.get("try");
  try {
    const value = await work(tried?.kind === "value" ? tried.value : undefined);
    const answer: Answer = { kind: "value", value: jsonOf("result", value, DEFAULT_RESULT_BYTES) };
    await settle(tx, call, SETTLED[operation], new Map(answers).set(operation, answer));
    return given<T>(answer, branch);
  } catch (error) {
    await rollBack(tx, savepoint, error);
    const refusal = operation === "try" ? refusalOf(error, DEFAULT_RESULT_BYTES) : undefined;
    if (refusal === undefined) throw error;
    await settle(tx, call, "refused", new Map(answers).set(operation, refusal));
    return given<T>(refusal, branch);
  }
}

async function begin(tx: SqlClient, savepoint: string): Promise<void> {
  try {
    await tx.query(`SAVEPOINT ${savepoint}`);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== NO_TRANSACTION) throw error;
    throw invalidArgument("tx", tx, "one client, on which BEGIN was said, and not a pool");
  }
}

/** Where that fails too, the connection is lost and all is undone; the first error says more. */
async function rollBack(tx: SqlClient, savepoint: string, error: unknown): Promise<void> {
  try {
    await tx.query(`ROLLBACK TO SAVEPOINT ${savepoint}`);
  } catch {
    throw error;
  }
}

async function settle(
  tx: SqlClient,
  call: Call,
  state: BranchState,
  answers: Answers,
): Promise<void> {
  const { branch, retentionMs, statements } = call;
  const text = JSON.stringify(encodeAnswers(answers));
  const { rows } = await tx.query(statements.settle, [branch, retentionMs, state, text]);
  if (rows.length === 1) return;
  throw recordInvalid(branch, "it is gone: the work ended the transaction that it ran in");
}

function readAnswers({ state, answers: text }: Row, branch: string): Answers {
  if (state === "none" || text === null) return new Map();
  const parsed = parseJson(text);
  const json = parsed.ok ? (parsed.value as { readonly answers?: Json }) : undefined;
  const answers = json === undefined ? undefined : decodeAnswers(json.answers);
  if (answers === undefined) throw recordInvalid(branch, "its answers are damaged");
  return answers;
}

type Given<T> =
  | { readonly kind: "value"; readonly value: T | undefined }
  | { readonly kind: "refused"; readonly error: QuorateError<"REFUSED"> };

function given<T>(answer: Answer, branch: string): Given<T> {
  try {
    return { kind: "value", value: valueOf(answer, branch) as T | undefined };
  } catch (error) {
    if (isQuorateError(error, "REFUSED")) return { kind: "refused", error };
    throw error;
  }
}
