/**
 * Two-phase messages: for a business database that has no outbox table, or that is not SQL.
 *
 * Prepare, commit, submit. The message is stored before the local transaction, and sent only after
 * it: `submit` says so, and where the process died in between, the relay asks. The answer must be
 * final: whoever asks "did it commit?" and hears no must know that it never will. The query that
 * does it inserts an abort row where there is no commit row (`sqlMessageBarrier`), so that a
 * transaction which comes late fails.
 *
 * Guarantees: where the transaction committed the message is delivered at least once, where it did
 * not never, wherever the process dies; given that `committed` is final. Does not guarantee: once;
 * its id is that of the message, for an inbox.
 *
 * After the two-phase messages of RocketMQ and DTM.
 */
import {
  type Backend,
  callable,
  checkName,
  inRange,
  invalidArgument,
  type Json,
  knownOptions,
  positive,
  type Ms,
  positiveInteger,
  QuorateError,
  show,
} from "@quorate/core";

import { CheckingShelf, type PreparedCheck } from "./checking-shelf.ts";
import { CollectionOverKv } from "./collection.ts";
import { outboxEvents } from "./events.ts";
import { KvRecordStore } from "./kv-record-store.ts";
import {
  checkAddress,
  type DeadLetter,
  DEFAULT_MAX_MESSAGE_BYTES,
  type OutboxMessage,
  payloadText,
} from "./message.ts";
import type { DropReason, OutboxSource, Shelf, ShelfContext } from "./source.ts";

/** Options of `transactionalMessages`. */
export interface TransactionalMessagesOptions {
  /**
   * Whether the transaction of this message has committed. False must be final: from then on it
   * cannot commit any more. Asked by relays only, until it answers.
   */
  readonly committed: (
    id: string,
    context: { readonly signal: AbortSignal },
  ) => PromiseLike<boolean>;
  /** How long a prepared message is left to its sender before a relay asks. @default 10000 */
  readonly checkAfterMs?: Ms;
  /** As of `outboxCollection`. @default 8 */
  readonly partitions?: number;
  /** Longest payload, in bytes of JSON. @default 65536 */
  readonly maxMessageBytes?: number;
}

/** Messages that are sent if and only if a transaction elsewhere has committed. */
export interface TransactionalMessages extends OutboxSource {
  /**
   * Stores the message, not to be sent yet. Before the transaction begins. Safe to repeat.
   *
   * @throws INSTANCE_MISMATCH another message is prepared under this id.
   */
  prepare(
    id: string,
    topic: string,
    payload: Json,
    options?: { readonly key?: string; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** After the commit: to be delivered. False: it is not prepared (any more). Safe to repeat. */
  submit(id: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<boolean>;
  /** After a rollback: dropped. False: it is not prepared (any more). */
  abort(id: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<boolean>;
}

/** What lies in the store of a prepared message. */
interface Prepared {
  readonly topic: string;
  readonly key: string;
  readonly payload: Json;
  readonly [field: string]: Json;
}

/**
 * Two-phase messages called `name` on `backend`; their relay is `createRelay(backend, { from })`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { sqlMessageBarrier, transactionalMessages } from "@quorate/transaction";
 * import type { SqlClient } from "@quorate/transaction";
 * declare const pool: SqlClient;
 * const barrier = sqlMessageBarrier(pool);
 * const { committed } = barrier;
 * const messages = transactionalMessages(memoryBackend(), "mails", { committed });
 * async function place(tx: SqlClient, order: string): Promise<void> {
 *   await messages.prepare(order, "order.placed", { order });
 *   await tx.query("BEGIN");
 *   await tx.query("INSERT INTO orders VALUES ($1)", [order]);
 *   await barrier.inTransaction(tx, order);
 *   await tx.query("COMMIT");
 *   await messages.submit(order);
 * }
 */
export function transactionalMessages(
  backend: Backend,
  name: string,
  options: TransactionalMessagesOptions,
): TransactionalMessages {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  checkName("name", name);
  knownOptions("options", options, ["committed", "checkAfterMs", "partitions", "maxMessageBytes"]);
  const partitions = positiveInteger("partitions", options.partitions ?? 8);
  inRange("partitions", partitions, 1, 256);
  const events = outboxEvents(backend.runtime.events);
  const maxMessageBytes = positiveInteger(
    "maxMessageBytes",
    options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
  );
  return new MessagesOverKv(new KvRecordStore(backend, { name, partitions, events }), {
    committed: callable("committed", options.committed),
    checkAfterMs: positive("checkAfterMs", options.checkAfterMs ?? 10_000),
    maxMessageBytes,
  });
}

class MessagesOverKv implements TransactionalMessages {
  readonly name: string;
  readonly partitions: number;
  readonly #store: KvRecordStore;
  readonly #collection: CollectionOverKv<Prepared>;
  readonly #options: Required<Omit<TransactionalMessagesOptions, "partitions">>;

  constructor(
    store: KvRecordStore,
    options: Required<Omit<TransactionalMessagesOptions, "partitions">>,
  ) {
    const { maxMessageBytes } = options;
    this.name = store.name;
    this.partitions = store.partitions;
    this.#store = store;
    this.#options = options;
    const bounds = { maxMessages: 4, maxMessageBytes, attempts: 32 };
    this.#collection = new CollectionOverKv<Prepared>(store, bounds);
  }

  async prepare(
    id: string,
    topic: string,
    payload: Json,
    options: { readonly key?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    knownOptions("options", options, ["key", "signal"]);
    const { key = id, signal } = options;
    checkAddress({ topic, key, id });
    const text = payloadText(payload, this.#options.maxMessageBytes);
    const wanted: Prepared = { topic, key, payload: JSON.parse(text) as Json };
    await this.#collection.update(
      id,
      (there) => {
        if (there === undefined || JSON.stringify(there) === JSON.stringify(wanted)) return wanted;
        const reason = "another message is prepared under this id";
        throw new QuorateError("INSTANCE_MISMATCH", `${show(id)}: ${reason}`, {
          effect: "none",
          details: { id, reason },
        });
      },
      { signal },
    );
  }

  submit(
    id: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    return this.#decide(id, true, options.signal);
  }

  abort(id: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    return this.#decide(id, false, options.signal);
  }

  ready(): Promise<void> {
    return this.#collection.ready();
  }

  open(context: ShelfContext): Shelf {
    const { committed, checkAfterMs } = this.#options;
    const check: PreparedCheck = {
      afterMs: checkAfterMs,
      ask: (id, signal) => committed(id, { signal }),
      decide: (id, isCommitted) => this.#decide(id, isCommitted),
    };
    return new CheckingShelf(this.#store, context, check);
  }

  pending(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<OutboxMessage> {
    return this.#collection.pending(options);
  }

  deadLetters(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<DeadLetter> {
    return this.#collection.deadLetters(options);
  }

  redrive(id: string): Promise<boolean> {
    return this.#collection.redrive(id);
  }

  drop(id: string, reason: DropReason): Promise<boolean> {
    return this.#collection.drop(id, reason);
  }

  async #decide(id: string, isCommitted: boolean, signal?: AbortSignal): Promise<boolean> {
    let wasPrepared = false;
    await this.#collection.update(
      id,
      (prepared, emit) => {
        wasPrepared = prepared !== undefined;
        if (prepared === undefined || !isCommitted) return undefined;
        const { topic, key, payload } = prepared;
        emit(topic, payload, { key, id });
        return undefined;
      },
      { signal },
    );
    return wasPrepared;
  }
}
