/**
 * An outbox in the business database: a row per message, in the transaction that does the work.
 *
 * Guarantees: a message is stored if and only if its transaction commits; no committed row is ever
 * skipped, in whatever order transactions commit. Messages of a key are delivered in the order of
 * their insertion, which is the order of their transactions where these lock what they change, or
 * say `lockKey`. Does not guarantee anything of the order of two transactions that run side by
 * side on one key without a lock: there is none.
 */
import {
  boolean,
  boundedString,
  checkName,
  invalidArgument,
  type Json,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
  systemRuntime,
  type SqlClient,
} from "@quorate/core";

import { outboxEvents } from "./events.ts";
import {
  checkAddress,
  type DeadLetter,
  DEFAULT_MAX_MESSAGE_BYTES,
  type MessageOptions,
  type OutboxMessage,
  payloadText,
  slotOf,
} from "./message.ts";
import type { DropReason, OutboxSource, Shelf, ShelfContext } from "./source.ts";
import { type OutboxRow, readRow } from "./sql-row.ts";
import { SqlShelf } from "./sql-shelf.ts";
import {
  DEFAULT_OUTBOX_TABLE,
  outboxStatements,
  type OutboxStatements,
  SLOTS,
} from "./sql-table.ts";

/** Options of `sqlOutbox`. */
export interface SqlOutboxOptions {
  /** Names the relay's leases and events. @default the table's name */
  readonly name?: string;
  /** Made by `outboxTable`. @default "quorate_outbox" */
  readonly table?: string;
  /** How often an idle partition is looked at; `relay.wake()` is sooner. @default 500 */
  readonly pollMs?: Ms;
  /** Longest payload, in bytes of JSON. @default 65536 */
  readonly maxMessageBytes?: number;
  /** Time and ids. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** What may be said of a row. */
export interface AddOptions extends MessageOptions {
  /**
   * Waits until other transactions that said so for this key have ended. For keys whose
   * transactions lock nothing else in common. @default false
   */
  readonly lockKey?: boolean;
}

/** An outbox in a table. */
export interface SqlOutbox extends OutboxSource {
  /**
   * Stores a message in the transaction that is open on `tx`; resolves to its id. Without a key
   * the message is a key of its own: delivered in no order.
   *
   * @throws INVALID_ARGUMENT, TOO_LARGE the message; nothing was sent.
   * @throws whatever `tx` throws, as it is; an id that is there already fails the transaction.
   */
  add(tx: SqlClient, topic: string, payload: Json, options?: AddOptions): Promise<string>;
}

/**
 * The outbox in `options.table`, which relays and operators read through `pool`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { type SqlClient, sqlOutbox } from "@quorate/transaction";
 * declare const pool: SqlClient;
 * const outbox = sqlOutbox(pool);
 * async function place(tx: SqlClient, order: { id: string }): Promise<void> {
 *   await tx.query("BEGIN");
 *   await tx.query("INSERT INTO orders VALUES ($1)", [order.id]);
 *   await outbox.add(tx, "order.placed", { order: order.id }, { key: order.id });
 *   await tx.query("COMMIT");
 * }
 */
export function sqlOutbox(pool: SqlClient, options: SqlOutboxOptions = {}): SqlOutbox {
  checkClient("pool", pool);
  knownOptions("options", options, ["name", "table", "pollMs", "maxMessageBytes", "runtime"]);
  const table = options.table ?? DEFAULT_OUTBOX_TABLE;
  return new TableOutbox(pool, outboxStatements(table), {
    name: checkName("name", options.name ?? table),
    pollMs: positive("pollMs", options.pollMs ?? 500),
    maxMessageBytes: positiveInteger(
      "maxMessageBytes",
      options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    ),
    runtime: options.runtime ?? systemRuntime,
  });
}

const LIST_PAGE = 500;

class TableOutbox implements SqlOutbox {
  readonly name: string;
  readonly partitions = undefined;
  readonly #pool: SqlClient;
  readonly #statements: OutboxStatements;
  readonly #options: Required<Omit<SqlOutboxOptions, "table">>;

  constructor(
    pool: SqlClient,
    statements: OutboxStatements,
    options: Required<Omit<SqlOutboxOptions, "table">>,
  ) {
    this.name = options.name;
    this.#pool = pool;
    this.#statements = statements;
    this.#options = options;
  }

  async add(
    tx: SqlClient,
    topic: string,
    payload: Json,
    options: AddOptions = {},
  ): Promise<string> {
    checkClient("tx", tx);
    knownOptions("options", options, ["key", "id", "lockKey"]);
    const id = options.id ?? this.#options.runtime.ids.unique();
    const key = options.key ?? id;
    checkAddress({ topic, key, id });
    const text = payloadText(payload, this.#options.maxMessageBytes);
    if (boolean("lockKey", options.lockKey ?? false))
      await tx.query(this.#statements.lockKey, [key]);
    await tx.query(this.#statements.add, [id, slotOf(key, SLOTS), key, topic, text]);
    return id;
  }

  async ready(): Promise<void> {
    await this.#pool.query(this.#statements.backlog, [1, 0]);
  }

  open(context: ShelfContext): Shelf {
    const { name } = this;
    return new SqlShelf(this.#pool, this.#statements, { ...context, ...this.#options, name });
  }

  async *pending(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<OutboxMessage> {
    yield* this.#list("pending", options.signal);
  }

  deadLetters(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<DeadLetter> {
    return this.#list("dead", options.signal);
  }

  async redrive(id: string): Promise<boolean> {
    return this.#verb("redrive", id, { by: "", why: "" });
  }

  async drop(id: string, reason: DropReason): Promise<boolean> {
    knownOptions("reason", reason, ["by", "why"]);
    boundedString("by", reason.by, 256);
    boundedString("why", reason.why, 1_024);
    return this.#verb("drop", id, reason);
  }

  async #verb(verb: "redrive" | "drop", id: string, { by, why }: DropReason): Promise<boolean> {
    const { rows } = await this.#pool.query(this.#statements[verb], [checkName("id", id)]);
    const [row] = rows as readonly { readonly topic: string; readonly key: string }[];
    if (row === undefined) return false;
    const { topic, key } = row;
    const events = outboxEvents(this.#options.runtime.events);
    const channel = verb === "drop" ? events.dropped : events.redriven;
    if (channel.hasSubscribers) channel.publish({ outbox: this.name, id, topic, key, by, why });
    return true;
  }

  async *#list(state: "pending" | "dead", signal?: AbortSignal): AsyncGenerator<DeadLetter> {
    // A cursor over what is there now, for people: what commits late is in the next listing.
    for (let after = "0"; ;) {
      signal?.throwIfAborted();
      const { rows } = await this.#pool.query(this.#statements.list, [state, after, LIST_PAGE]);
      for (const row of rows as readonly ListedRow[]) {
        after = row.seq;
        const message = readRow(row);
        const { problem, dead_at_ms: deadAtMs } = row;
        if (message.ok) yield { ...message.value, problem: problem ?? "", deadAtMs: deadAtMs ?? 0 };
      }
      if (rows.length < LIST_PAGE) return;
    }
  }
}

interface ListedRow extends OutboxRow {
  readonly problem: string | null;
  readonly dead_at_ms: number | null;
  readonly seq: string;
}

function checkClient(option: string, client: SqlClient): void {
  if (typeof client?.query !== "function") {
    throw invalidArgument(option, client, "a client with query()");
  }
}
