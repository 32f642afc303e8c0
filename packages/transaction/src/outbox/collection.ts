/**
 * A collection of aggregates whose messages are stored with their state, in one write.
 *
 * "Change the order and tell the others" is two writes to two systems, and a crash between them
 * loses the message or sends one of a change that never happened. Here the message is part of the
 * record: one compare-and-set stores both or neither, on any engine. A relay delivers it later.
 *
 * Guarantees: a message is stored if and only if its update was; in the order of updates of one
 * record. Does not guarantee: anything of several records together, nor when a message is
 * delivered; without a relay never. `change` may run several times, and its effects with it: it
 * should compute and emit, and do nothing else.
 */
import {
  type Backend,
  boundedString,
  callable,
  checkName,
  inRange,
  invalidArgument,
  isQuorateError,
  type Json,
  knownOptions,
  MAX_SEGMENT_BYTES,
  parseJson,
  positiveInteger,
} from "@quorate/core";

import { outboxEvents } from "./events.ts";
import { contended, type Found, invalid, KvRecordStore } from "./kv-record-store.ts";
import { KvShelf } from "./kv-shelf.ts";
import {
  checkAddress,
  type DeadLetter,
  DEFAULT_MAX_MESSAGE_BYTES,
  type MessageOptions,
  type OutboxMessage,
  payloadText,
  type StoredMessage,
  tooLarge,
} from "./message.ts";
import { decodeState, MAX_RECENT, type OutboxRecord } from "./record.ts";
import type { DropReason, OutboxSource, Shelf, ShelfContext } from "./source.ts";
import { deadLettersOf, pendingOf, redriveIn, takeDeadLetter } from "./kv-verbs.ts";

/** Options of `outboxCollection`. */
export interface OutboxCollectionOptions {
  /**
   * Shares of the collection, each served by one relay at a time, 1 to 256. Stored at the first
   * use; another number is refused later. @default 8
   */
  readonly partitions?: number;
  /** Most messages that one record may hold, dead letters included. @default 100 */
  readonly maxMessages?: number;
  /** Longest payload, in bytes of JSON. @default 65536 */
  readonly maxMessageBytes?: number;
  /** Times that an update is tried while others write the record first. @default 32 */
  readonly attempts?: number;
}

/** Adds a message to the outbox of the record that is being changed; returns its id. */
export type Emit = (topic: string, payload: Json, options?: MessageOptions) => string;

/** Options of an update. */
export interface UpdateOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Aggregates with an outbox each. */
export interface OutboxCollection<S extends Json = Json> extends OutboxSource {
  /** The state of `id`; `undefined`: none. Its objects have no prototype, as of `parseJson`. */
  get(id: string, options?: UpdateOptions): Promise<S | undefined>;
  /**
   * Changes the state of `id` and stores what `emit` was given, in one write; resolves to the new
   * state. `undefined` for a state: there is none yet, or it is to be removed. A message's key is
   * `id` unless it is told another; messages of different keys of one record are independent.
   *
   * `change` is called again when somebody else wrote first. What it throws, `update` throws, and
   * nothing is written.
   *
   * @throws OVERLOADED others wrote first, `attempts` times; nothing was written.
   * @throws OUTCOME_UNKNOWN it may have been written, or may still be.
   * @throws TOO_LARGE the payload, the number of messages, or the whole record.
   * @throws RECORD_INVALID something else lies under this key. It is left as it is.
   */
  update(
    id: string,
    change: (state: S | undefined, emit: Emit) => S | undefined | PromiseLike<S | undefined>,
    options?: UpdateOptions,
  ): Promise<S | undefined>;
}

/**
 * The collection called `name` on `backend`. Its records lie under `name/<partition>/<id>`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { outboxCollection } from "@quorate/transaction";
 * const orders = outboxCollection<{ status: string }>(memoryBackend(), "orders");
 * await orders.update("o-7", (order, emit) => {
 *   emit("order.placed", { order: "o-7" });
 *   return { ...order, status: "placed" };
 * });
 * console.log((await orders.get("o-7"))?.status); // => placed
 */
export function outboxCollection<S extends Json = Json>(
  backend: Backend,
  name: string,
  options: OutboxCollectionOptions = {},
): OutboxCollection<S> {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  checkName("name", name);
  knownOptions("options", options, ["partitions", "maxMessages", "maxMessageBytes", "attempts"]);
  const partitions = positiveInteger("partitions", options.partitions ?? 8);
  inRange("partitions", partitions, 1, 256);
  const maxMessages = positiveInteger("maxMessages", options.maxMessages ?? 100);
  const events = outboxEvents(backend.runtime.events);
  const store = new KvRecordStore(backend, { name, partitions, events });
  return new CollectionOverKv<S>(store, {
    maxMessages: inRange("maxMessages", maxMessages, 1, 1_000),
    maxMessageBytes: positiveInteger(
      "maxMessageBytes",
      options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    ),
    attempts: positiveInteger("attempts", options.attempts ?? 32),
  });
}

/** Bounds of a collection, checked. */
export type CollectionBounds = Required<Omit<OutboxCollectionOptions, "partitions">>;

/** The collection on records in a kv. */
export class CollectionOverKv<S extends Json> implements OutboxCollection<S> {
  readonly name: string;
  readonly partitions: number;
  readonly #store: KvRecordStore;
  readonly #bounds: CollectionBounds;
  #agreed: Promise<void> | undefined;

  constructor(store: KvRecordStore, bounds: CollectionBounds) {
    this.name = store.name;
    this.partitions = store.partitions;
    this.#store = store;
    this.#bounds = bounds;
  }

  async get(id: string, options: UpdateOptions = {}): Promise<S | undefined> {
    const key = this.#keyOf(id);
    await this.ready();
    const { record } = await this.#store.read(key, options.signal);
    return this.#stateOf(key, record);
  }

  async update(
    id: string,
    change: (state: S | undefined, emit: Emit) => S | undefined | PromiseLike<S | undefined>,
    options: UpdateOptions = {},
  ): Promise<S | undefined> {
    const key = this.#keyOf(id);
    callable("change", change);
    await this.ready();
    for (let conflicts = 0; conflicts < this.#bounds.attempts; conflicts++) {
      if (conflicts > 0) await this.#store.rest(conflicts, options.signal);
      const found = await this.#store.read(key, options.signal);
      // Of this try alone: what a try that came to nothing has emitted was never said.
      const emitted: StoredMessage[] = [];
      const state = await this.#changed({ id, key, found }, change, emitted);
      const next = this.#next(found.record, state, emitted);
      if (next === found.record) return state;
      const operationId = this.#store.backend.runtime.ids.operation();
      const recent = [operationId, ...next.recent].slice(0, MAX_RECENT);
      const { signal } = options;
      const writing = { expect: found.entry, next: { ...next, recent }, operationId, signal };
      if ((await this.#store.write(key, writing)).kind === "done") return state;
    }
    throw contended(key, this.#bounds.attempts);
  }

  /** Agrees with all others on the partitions: with another number ids are sought elsewhere. */
  ready(): Promise<void> {
    this.#agreed ??= this.#agree().catch((error: unknown) => {
      this.#agreed = undefined;
      throw error;
    });
    return this.#agreed;
  }

  open(context: ShelfContext): Shelf {
    return new KvShelf(this.#store, context);
  }

  pending(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<OutboxMessage> {
    return pendingOf(this.#store, options.signal);
  }

  deadLetters(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<DeadLetter> {
    return deadLettersOf(this.#store, options.signal);
  }

  async redrive(id: string): Promise<boolean> {
    checkName("id", id);
    return redriveIn(this.#store, id);
  }

  async drop(id: string, reason: DropReason): Promise<boolean> {
    checkName("id", id);
    knownOptions("reason", reason, ["by", "why"]);
    boundedString("by", reason.by, 256);
    boundedString("why", reason.why, 1_024);
    return takeDeadLetter(this.#store, id, reason);
  }

  async #changed(
    at: { readonly id: string; readonly key: string; readonly found: Found },
    change: (state: S | undefined, emit: Emit) => S | undefined | PromiseLike<S | undefined>,
    emitted: StoredMessage[],
  ): Promise<S | undefined> {
    const { runtime } = this.#store.backend;
    const { record } = at.found;
    let isOpen = true;
    const emit: Emit = (topic, payload, options = {}) => {
      if (!isOpen) throw invalidArgument("emit", "late", "called before `change` has returned");
      knownOptions("options", options, ["key", "id"]);
      const { key = at.id, id = runtime.ids.unique() } = options;
      checkAddress({ topic, key, id });
      const text = payloadText(payload, this.#bounds.maxMessageBytes);
      const all = [...record.outbox, ...record.dead, ...emitted];
      if (all.length >= this.#bounds.maxMessages) {
        throw tooLarge("messages", all.length + 1, this.#bounds.maxMessages);
      }
      if (all.some((one) => one.id === id)) throw invalidArgument("id", id, "free in this record");
      const atMs = Math.floor(runtime.time.wallMs());
      emitted.push({ id, topic, key, payload: JSON.parse(text) as Json, atMs, attempts: 0 });
      return id;
    };
    try {
      return await change(this.#stateOf(at.key, record), emit);
    } finally {
      isOpen = false;
    }
  }

  #next(record: OutboxRecord, state: S | undefined, emitted: readonly StoredMessage[]) {
    const stateText = state === undefined ? "" : stateTextOf(state);
    if (stateText === record.stateText && emitted.length === 0) return record;
    return { ...record, stateText, outbox: [...record.outbox, ...emitted] };
  }

  #stateOf(key: string, record: OutboxRecord): S | undefined {
    const decoded = decodeState(record.stateText);
    if (!decoded.ok) throw invalid(key, decoded.reason);
    return decoded.state as S | undefined;
  }

  #keyOf(id: string): string {
    boundedString("id", id, MAX_SEGMENT_BYTES);
    if (id.includes("/")) throw invalidArgument("id", id, "one segment, free of '/'");
    return this.#store.keyOf(checkName("id", id));
  }

  async #agree(): Promise<void> {
    const { kv } = this.#store.backend;
    const key = `${this.name}/partitions`;
    const value = String(this.partitions);
    let found = await kv.get(key);
    if (found === undefined) {
      try {
        const put = await kv.put(key, value, { expect: "absent" });
        found = put.ok ? put.entry : put.current;
      } catch (error) {
        if (!isQuorateError(error, "OUTCOME_UNKNOWN")) throw error;
        found = await kv.get(key);
        if (found === undefined) throw error;
      }
    }
    const agreed = found === undefined ? "" : Buffer.from(found.value).toString("utf8");
    if (agreed === value) return;
    throw invalidArgument("partitions", this.partitions, `${agreed}, as it was at the first use`);
  }
}

function stateTextOf(state: Json): string {
  const text = JSON.stringify(state) as string | undefined;
  const parsed = text === undefined ? undefined : parseJson(text, { maxBytes: 8_388_608 });
  if (text !== undefined && parsed?.ok === true) return text;
  const why = parsed?.ok === false ? parsed.reason : "not JSON";
  throw invalidArgument("state", state, `JSON that can be read again: ${why}`);
}
