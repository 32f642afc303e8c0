/**
 * The records of one protocol in the store: one key each, written by compare-and-set alone.
 *
 * Every write says which revision it follows, so a driver that was overtaken changes nothing. A
 * lost reply is asked for until it is known; a write that came between is looked at: an operator's
 * leaves the owner in place, and the change is made again on top of it; another owner's ends the
 * drive.
 *
 * Guarantees: what `save` and `apply` resolve to is stored, and nothing of another owner was
 * written over. Does not guarantee: that a store which loses acknowledged writes (an asynchronous
 * failover) keeps them. Where it went back, the newer state that this process still holds is
 * written again, and that is told as an event.
 */
import {
  type Entry,
  isQuorateError,
  type KvStore,
  type Ms,
  type PutResult,
  type Revision,
  type Runtime,
} from "@quorate/core";
import type {
  Created,
  Driver,
  Held,
  InstanceStore,
  Ownership,
  SaveOptions,
  Stored,
} from "./contract.ts";
import { overtakenError, recordInvalid } from "./errors.ts";
import { type KernelEvents, publishTrouble } from "./events.ts";
import { checkInstanceId, decodeId, encodeId } from "./instance-id.ts";
import { settledPut, settledPutThen } from "./settled-put.ts";

/** Times that a write is asked that a caller waits for. */
const CALLER_TRIES = 4;

/** What the store of one protocol is made of. */
export interface RecordStoreOptions<R> {
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly events: KernelEvents;
  readonly protocol: Pick<Driver<R>, "collection" | "codec" | "ownershipOf" | "retentionMsOf">;
  /** Ends the asking of writes that a driver waits for. */
  readonly signal: () => AbortSignal | undefined;
}

/** Records of one protocol. */
export class RecordStore<R> implements InstanceStore<R> {
  readonly #desk: RecordStoreOptions<R>;
  readonly #prefix: string;

  constructor(desk: RecordStoreOptions<R>) {
    this.#desk = desk;
    this.#prefix = `${desk.protocol.collection}/`;
  }

  create(id: string, record: R): Promise<Created<R>> {
    const key = this.#keyOf(checkInstanceId("id", id));
    const put = {
      key,
      text: this.#desk.protocol.codec.encode(record),
      expect: "absent",
      ttlMs: this.#ttlOf(record, undefined),
      signal: undefined,
      tries: CALLER_TRIES,
    } as const;
    return settledPutThen<Created<R>>(this.#desk, put, (answer) => {
      if (answer.ok) {
        return { created: true, held: { id, key, record, revision: answer.entry.revision } };
      }
      // Taken, and gone since: what was there has ended, so this is a new one.
      if (answer.current === undefined) return this.create(id, record);
      return { created: false, found: this.#read(answer.current, id) };
    });
  }

  async read(id: string): Promise<Stored<R> | undefined> {
    const entry = await this.#desk.kv.get(this.#keyOf(checkInstanceId("id", id)));
    return entry === undefined ? undefined : this.#read(entry, id);
  }

  save(held: Held<R>, next: R, options: SaveOptions = {}): Promise<void> {
    return this.#write(held, next, options, undefined);
  }

  apply(held: Held<R>, change: (record: R) => R, options: SaveOptions = {}): Promise<void> {
    const next = change(held.record);
    if (next === held.record) return Promise.resolve();
    return this.#write(held, next, options, change);
  }

  /**
   * One write on top of `stored`, whoever owns it: for takeovers and operators. `undefined`:
   * somebody else wrote before.
   */
  async replace(
    stored: Stored<R>,
    next: R,
    options: SaveOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Held<R> | undefined> {
    const { id, revision } = stored;
    const key = this.#keyOf(id);
    const put = await settledPut(this.#desk, {
      key,
      text: this.#desk.protocol.codec.encode(next),
      expect: revision,
      ttlMs: this.#ttlOf(next, options.retentionMs),
      signal: options.signal,
      tries: CALLER_TRIES,
    });
    return put.ok ? { id, key, record: next, revision: put.entry.revision } : undefined;
  }

  async *list(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Stored<R>, void, void> {
    for await (const entry of this.#desk.kv.list(this.#desk.protocol.collection, options)) {
      const stored = this.#tryRead(entry);
      if (stored !== undefined) yield stored;
    }
  }

  async *watch(
    id: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Stored<R> | undefined, void, void> {
    let known: Revision | undefined;
    for await (const change of this.#desk.kv.watch(
      this.#keyOf(checkInstanceId("id", id)),
      options,
    )) {
      if (change.kind === "put") {
        known = change.entry.revision;
        yield this.#read(change.entry, id);
      } else if (change.kind === "delete" || (change.kind === "synced" && known === undefined)) {
        known = 0;
        yield undefined;
      }
    }
  }

  /** `again`: makes the change on top of what another wrote. */
  #write(
    held: Held<R>,
    next: R,
    options: SaveOptions,
    again: ((record: R) => R) | undefined,
  ): Promise<void> {
    const desk = this.#desk;
    const put = {
      key: held.key,
      text: desk.protocol.codec.encode(next),
      expect: held.revision,
      ttlMs: this.#ttlOf(next, options.retentionMs),
      signal: desk.signal(),
      tries: Infinity,
    };
    return settledPutThen(desk, put, (answer) => {
      if (!answer.ok) return this.#conflict(held, { next, options, again }, answer);
      held.record = next;
      held.revision = answer.entry.revision;
      return options.onStored?.();
    });
  }

  /** Somebody wrote between, or the store went back. */
  #conflict(
    held: Held<R>,
    { next, options, again }: Refused<R>,
    { current }: Extract<PutResult, { ok: false }>,
  ): Promise<void> | undefined {
    const ours = this.#desk.protocol.ownershipOf(held.record);
    if (current === undefined) throw overtakenError(held.id, ours.fence);
    const found = this.#read(current, held.id);
    const theirs = this.#desk.protocol.ownershipOf(found.record);
    if (!isSame(ours, theirs)) throw overtakenError(held.id, ours.fence);
    if (found.revision < held.revision) {
      // The store lost what it had acknowledged; what is held here is newer than what is there.
      const { collection } = this.#desk.protocol;
      const subject = { collection, id: held.id, doing: "reset" } as const;
      publishTrouble(this.#desk.events, subject, new Error("the store went back"));
      held.revision = found.revision;
      return this.#write(held, next, options, again);
    }
    if (again === undefined) throw overtakenError(held.id, ours.fence);
    held.record = found.record;
    held.revision = found.revision;
    const anew = again(found.record);
    return anew === found.record ? options.onStored?.() : this.#write(held, anew, options, again);
  }

  #ttlOf(record: R, asked: Ms | undefined): Ms | undefined {
    return asked ?? this.#desk.protocol.retentionMsOf?.(record);
  }

  #keyOf(id: string): string {
    return this.#prefix + encodeId(id);
  }

  #read(entry: Entry, id: string): Stored<R> {
    const { buffer, byteOffset, byteLength } = entry.value;
    const text = Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
    const decoded = this.#desk.protocol.codec.decode(text);
    if (!decoded.ok) throw recordInvalid(entry.key, decoded.reason);
    return { id, record: decoded.record, revision: entry.revision };
  }

  #tryRead(entry: Entry): Stored<R> | undefined {
    const id = decodeId(entry.key.slice(this.#prefix.length));
    try {
      if (id === undefined) throw recordInvalid(entry.key, "its key is none that we make");
      return this.#read(entry, id);
    } catch (error) {
      if (!isQuorateError(error, "RECORD_INVALID")) throw error;
      const { collection } = this.#desk.protocol;
      publishTrouble(this.#desk.events, { collection, id: id ?? entry.key, doing: "read" }, error);
      return undefined;
    }
  }
}

/** A write that met another. */
interface Refused<R> {
  readonly next: R;
  readonly options: SaveOptions;
  readonly again: ((record: R) => R) | undefined;
}

function isSame(left: Ownership, right: Ownership): boolean {
  return left.owner === right.owner && left.fence === right.fence;
}
