/**
 * kv on a stream: one subject per key, of which the stream keeps the last message.
 *
 * Compare-and-set is `Nats-Expected-Last-Subject-Sequence`; a key that was deleted leaves a
 * tombstone for a while, so that watchers are told and its revision is taken over by nobody.
 *
 * Guarantees: writes of a key are linearizable, reads are made at the leader. Does not guarantee:
 * reads while a deposed leader still answers (measured: up to about 5 s). Reads never decide,
 * compare-and-set does.
 */
import {
  checkCall,
  checkDelete,
  checkName,
  checkPut,
  type CallOptions,
  type Change,
  type DeleteOptions,
  type DeleteResult,
  type Entry,
  type KvStore,
  type Lifecycle,
  type ListOptions,
  type Ms,
  type PutOptions,
  type PutResult,
  type WatchOptions,
} from "@quorate/core";
import { keyCall, type KvContext, look } from "./context.ts";
import { list, type ListParts } from "./list.ts";
import { planDelete, planPut } from "./plan.ts";
import { TOMBSTONE_GRACE_MS } from "../messages.ts";
import { watch, type WatchParts } from "./watch.ts";
import { write } from "./write.ts";

/** What a store needs besides its context. */
export interface StoreParts extends ListParts, WatchParts {
  readonly lifecycle: Lifecycle;
}

/** A linearizable map on one space of the stream. */
export class StreamKv implements KvStore {
  readonly #context: KvContext;
  readonly #parts: StoreParts;

  constructor(context: KvContext, parts: StoreParts) {
    this.#context = context;
    this.#parts = parts;
  }

  async get(key: string, options?: CallOptions): Promise<Entry | undefined> {
    this.#parts.lifecycle.assertOpen();
    const bounds = this.#context.bounds();
    const call = keyCall(this.#context, "get", checkName("key", key), checkCall(options, bounds));
    return this.#parts.lifecycle.track(this.#get(call));
  }

  async put(key: string, value: Uint8Array | string, options?: PutOptions): Promise<PutResult> {
    this.#parts.lifecycle.assertOpen();
    const request = checkPut(key, value, options, this.#context.bounds());
    // A copy before the first wait: the caller may reuse its buffer.
    return this.#parts.lifecycle.track(this.#put({ ...request, value: request.value.slice() }));
  }

  async delete(key: string, options?: DeleteOptions): Promise<DeleteResult> {
    this.#parts.lifecycle.assertOpen();
    const request = checkDelete(key, options, this.#context.bounds());
    return this.#parts.lifecycle.track(this.#delete(request));
  }

  list(collection: string, options?: ListOptions): AsyncIterable<Entry> {
    this.#parts.lifecycle.assertOpen();
    return list(this.#context, this.#parts, collection, options);
  }

  watch(target: string, options?: WatchOptions): AsyncIterableIterator<Change> {
    this.#parts.lifecycle.assertOpen();
    return watch(this.#context, this.#parts, target, options);
  }

  /** How long ago the server took `entry`'s last write, at least; `undefined`: it has changed. */
  async ageMs(entry: Entry): Promise<Ms | undefined> {
    const context = this.#context;
    const call = keyCall(context, "age", entry.key, checkCall(undefined, context.bounds()));
    await context.stream.ensure(call.budget, call.operation);
    let stampMs = context.stamps.get(entry);
    if (stampMs === undefined) {
      const record = await context.messages.last(call.subject, call);
      if (record === undefined) return undefined;
      if (context.stream.positions.revisionOf(record.seq) !== entry.revision) return undefined;
      ({ stampMs } = record);
    }
    // A reading of now: what is decided by it takes a lease away from somebody.
    const serverMs = await context.messages.serverNowMs(call.budget, 0);
    return Math.max(0, serverMs - stampMs);
  }

  async #get(call: ReturnType<typeof keyCall>): Promise<Entry | undefined> {
    await this.#context.stream.ensure(call.budget, call.operation);
    return (await look(this.#context, call)).entry;
  }

  async #put(request: ReturnType<typeof checkPut>): Promise<PutResult> {
    const context = this.#context;
    const { expect, key, operationId, ttlMs, value } = request;
    const { positions } = context.stream;
    const revisionOf = (seq: number): number => positions.revisionOf(seq);
    const call = keyCall(context, "put", key, request);
    const written = await write(context, {
      ...call,
      operationId,
      record: { operationId, createdRevision: undefined, ttlMs, deleted: false },
      value,
      plan: (head, fresh) => planPut(expect, { operationId, head, fresh, revisionOf }),
    });
    if (written.kind === "conflict") return { ok: false, current: written.look.entry };
    if (written.kind === "replayed") {
      const revision = revisionOf(written.record.seq);
      const createdRevision = written.record.createdRevision ?? revision;
      const expired = { key, value, revision, createdRevision, operationId, expiresInMs: 0 };
      return { ok: true, entry: written.look.entry ?? expired, replayed: true };
    }
    const { plan, sentMs, seq } = written;
    const revision = revisionOf(seq);
    const createdRevision = plan.createdRevision ?? revision;
    // Counted from before it left: the server's own count began later.
    const aliveUntilMs = sentMs + (ttlMs ?? Infinity);
    context.heads.hint(call.subject, {
      kind: "live",
      seq,
      createdRevision,
      operationId,
      aliveUntilMs,
    });
    const life = ttlMs === undefined ? {} : { expiresInMs: ttlMs };
    const entry = { key, value, revision, createdRevision, operationId, ...life };
    return { ok: true, entry, replayed: false };
  }

  async #delete(request: ReturnType<typeof checkDelete>): Promise<DeleteResult> {
    const context = this.#context;
    const { expect, key, operationId } = request;
    const { positions } = context.stream;
    const revisionOf = (seq: number): number => positions.revisionOf(seq);
    const call = keyCall(context, "delete", key, request);
    const written = await write(context, {
      ...call,
      operationId,
      record: { operationId, createdRevision: undefined, ttlMs: undefined, deleted: true },
      value: new Uint8Array(0),
      plan: (head, fresh) => planDelete(expect, { operationId, head, fresh, revisionOf }),
    });
    if (written.kind === "conflict") return { ok: false, current: written.look.entry };
    const seq = written.kind === "stored" ? written.seq : written.record.seq;
    context.heads.hint(call.subject, { kind: "dead", seq });
    if (context.stream.facts?.sweepsByTtl !== true) {
      const onGone = (): void => context.heads.swept(call.subject, seq);
      context.sweeper.plan(seq, TOMBSTONE_GRACE_MS, onGone);
    }
    return { ok: true, revision: revisionOf(seq) };
  }
}
