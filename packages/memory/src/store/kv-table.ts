/**
 * The kv machine: a map from key to value and revision, that is handed time and returns changes.
 *
 * Every write mints the next revision of the whole table, `max(last + 1, store's µs)`; one number
 * outlives deletions and expiries of all keys, as one clock per partition does on a server. What
 * fell due is gone before anything else looks, so nobody ever sees an expired entry.
 *
 * Sans-I/O, and the reference for every other engine. Guarantees: per key revisions only grow, as
 * long as the table is not cleared while the store's clock stands still or goes back.
 */
import { collectionOf, decodeFenceRecord, encodeFenceRecord } from "@quorate/core";
import { DueQueue } from "./due-queue.ts";
import type { Journal } from "./journal.ts";
import { KeyOrder } from "./key-order.ts";
import { nextPosition, type Now } from "./now.ts";

/** A value that was written as text stays text: bytes of their own cost a third of the write. */
export type KvValue = Uint8Array | string;

/** An entry as the table keeps it. Values are never written into; they are replaced. */
export interface KvRecord {
  readonly key: string;
  readonly value: KvValue;
  readonly revision: number;
  readonly createdRevision: number;
  readonly operationId: string;
  /** On the store's monotonic clock; absent: kept for ever. */
  readonly expiresAtMs: number | undefined;
}

/** What became of a key. */
export type KvChange =
  | { readonly kind: "put"; readonly record: KvRecord }
  | {
      readonly kind: "delete";
      readonly key: string;
      readonly revision: number;
      readonly reason: "deleted" | "expired" | "unknown";
    };

/** A write asked for. */
export type KvWrite =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: KvValue;
      readonly expect: number | "absent" | undefined;
      readonly ttlMs: number | undefined;
      readonly operationId: string;
    }
  | { readonly kind: "delete"; readonly key: string; readonly expect: number | undefined }
  | {
      readonly kind: "fence";
      readonly key: string;
      readonly token: number;
      /** Absent: raises the floor and keeps the payload. */
      readonly payload: Uint8Array | undefined;
      readonly operationId: string;
    };

/** What a write came to. */
export type KvAnswer =
  | { readonly kind: "put"; readonly record: KvRecord; readonly replayed: boolean }
  | { readonly kind: "deleted"; readonly revision: number }
  | { readonly kind: "conflict"; readonly current: KvRecord | undefined }
  | { readonly kind: "stale"; readonly floor: number }
  | { readonly kind: "foreign"; readonly key: string };

/** The keys of one namespace. */
export class KvTable {
  readonly #records = new Map<string, KvRecord>();
  /** Keys by collection, for listings. */
  readonly #collections = new Map<string, KeyOrder>();
  readonly #due = new DueQueue((key) => this.#records.get(key)?.expiresAtMs);
  readonly #journal: Journal | undefined;
  #last = 0;

  /** With a journal, every change can be taken back. */
  constructor(journal?: Journal) {
    this.#journal = journal;
  }

  /** Living keys. */
  get size(): number {
    return this.#records.size;
  }

  get(key: string): KvRecord | undefined {
    return this.#records.get(key);
  }

  /** Living records, in no order. Callers expire first. */
  records(): IterableIterator<KvRecord> {
    return this.#records.values();
  }

  /** The first living records of a collection, not of those below it, that come after `after`. */
  page(collection: string, after: string | undefined, size: number): KvRecord[] {
    const keys = this.#collections.get(collection)?.page(after, size) ?? [];
    return keys.map((key) => this.#records.get(key) as KvRecord);
  }

  /** When the next entry falls due. */
  nextDueMs(): number | undefined {
    return this.#due.nextMs();
  }

  /** Takes out what fell due. */
  expire(now: Now): KvChange[] {
    const changes: KvChange[] = [];
    for (let key = this.#due.due(now.ms); key !== undefined; key = this.#due.due(now.ms)) {
      this.#noteUndo(key);
      this.#remove(key);
      changes.push({ kind: "delete", key, revision: this.#mint(now), reason: "expired" });
    }
    return changes;
  }

  /** One write, at `now`, all or nothing. */
  write(write: KvWrite, now: Now): KvAnswer {
    switch (write.kind) {
      case "put":
        return this.#put(write, now);
      case "delete":
        return this.#delete(write, now);
      case "fence":
        return this.#fence(write, now);
    }
  }

  /** Forgets everything, the last revision too: time alone carries on. What was there is told. */
  clear(): KvChange[] {
    // One above the last told is below all to come; minting would run ahead of the clock.
    const changes = [...this.#records.values()].map(({ key, revision }): KvChange => {
      return { kind: "delete", key, revision: revision + 1, reason: "unknown" };
    });
    this.#records.clear();
    this.#collections.clear();
    this.#due.clear();
    this.#last = 0;
    return changes;
  }

  #put(write: KvWrite & { readonly kind: "put" }, now: Now): KvAnswer {
    const current = this.#records.get(write.key);
    if (current?.operationId === write.operationId) return replayed(current);
    if (!holds(write.expect, current)) return { kind: "conflict", current };
    const expiresAtMs = write.ttlMs === undefined ? undefined : now.ms + write.ttlMs;
    return this.#store(write, { value: write.value, expiresAtMs }, current, now);
  }

  #delete(write: KvWrite & { readonly kind: "delete" }, now: Now): KvAnswer {
    const { key, expect } = write;
    const current = this.#records.get(key);
    if (current === undefined || !holds(expect, current)) {
      return { kind: "conflict", current };
    }
    this.#noteUndo(key);
    this.#remove(key);
    const revision = this.#mint(now);
    return { kind: "deleted", revision };
  }

  #fence(write: KvWrite & { readonly kind: "fence" }, now: Now): KvAnswer {
    const current = this.#records.get(write.key);
    if (current?.operationId === write.operationId) return replayed(current);
    const before = current === undefined ? undefined : decodeFenceRecord(bytesOf(current.value));
    if (current !== undefined && before === undefined) {
      return { kind: "foreign", key: write.key };
    }
    if (before !== undefined && write.token < before.floor) {
      return { kind: "stale", floor: before.floor };
    }
    const isThere = before?.floor === write.token && write.payload === undefined;
    if (current !== undefined && isThere) return replayed(current); // Nothing is left to raise.
    const payload = write.payload ?? before?.payload ?? new Uint8Array(0);
    const value = encodeFenceRecord({ floor: write.token, payload });
    const expiresAtMs = current?.expiresAtMs;
    return this.#store(write, { value, expiresAtMs }, current, now);
  }

  #store(
    { key, operationId }: Pick<KvRecord, "key" | "operationId">,
    { value, expiresAtMs }: Pick<KvRecord, "value" | "expiresAtMs">,
    current: KvRecord | undefined,
    now: Now,
  ): KvAnswer {
    this.#noteUndo(key);
    const revision = this.#mint(now);
    const createdRevision = current?.createdRevision ?? revision;
    const record = { key, value, revision, createdRevision, operationId, expiresAtMs };
    if (current === undefined) this.#index(key);
    this.#records.set(key, record);
    this.#due.moved(key, current?.expiresAtMs, expiresAtMs);
    return { kind: "put", record, replayed: false };
  }

  /** What is to be as it is now, should this moment be forgotten. */
  #noteUndo(key: string): void {
    if (this.#journal === undefined) return;
    const record = this.#records.get(key);
    const last = this.#last;
    this.#journal.note(() => {
      this.#remove(key);
      this.#last = last;
      if (record === undefined) return;
      this.#index(key);
      this.#records.set(key, record);
      this.#due.moved(key, undefined, record.expiresAtMs);
    });
  }

  #index(key: string): void {
    const collection = collectionOf(key);
    let keys = this.#collections.get(collection);
    if (keys === undefined) this.#collections.set(collection, (keys = new KeyOrder()));
    keys.add(key);
  }

  #remove(key: string): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    this.#records.delete(key);
    this.#due.moved(key, record.expiresAtMs, undefined);
    const collection = collectionOf(key);
    const keys = this.#collections.get(collection);
    keys?.remove(key);
    if (keys?.size === 0) this.#collections.delete(collection);
  }

  #mint(now: Now): number {
    this.#last = nextPosition(this.#last, now);
    return this.#last;
  }
}

/** What watchers are told of a write; `undefined`: nothing has changed. */
export function changeOf({ key }: KvWrite, answer: KvAnswer): KvChange | undefined {
  if (answer.kind === "put" && !answer.replayed) return { kind: "put", record: answer.record };
  if (answer.kind !== "deleted") return undefined;
  return { kind: "delete", key, revision: answer.revision, reason: "deleted" };
}

/** A value's bytes, which nobody may write into. */
export function bytesOf(value: KvValue): Uint8Array {
  if (typeof value !== "string") return value;
  const { buffer, byteOffset, byteLength } = Buffer.from(value);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function holds(expect: number | "absent" | undefined, current: KvRecord | undefined): boolean {
  if (expect === undefined) return true;
  return expect === "absent" ? current === undefined : current?.revision === expect;
}

function replayed(record: KvRecord): KvAnswer {
  return { kind: "put", record, replayed: true };
}
