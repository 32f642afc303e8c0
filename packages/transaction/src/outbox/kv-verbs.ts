/**
 * An operator's verbs on a collection: what waits, what was given up, and what becomes of it.
 *
 * They read the collection page by page: for people, not for the hot path.
 */
import { compareNames } from "@quorate/core";

import { contended, type KvRecordStore } from "./kv-record-store.ts";
import type { DeadLetter, OutboxMessage } from "./message.ts";
import type { OutboxRecord } from "./record.ts";
import type { DropReason } from "./source.ts";

const MAX_TRIES = 32;

/** Messages that wait, in the order of their records' keys. */
export async function* pendingOf(
  store: KvRecordStore,
  signal?: AbortSignal,
): AsyncGenerator<OutboxMessage> {
  for await (const { record } of recordsOf(store, signal)) yield* record.outbox;
}

/** Messages that were given up. */
export async function* deadLettersOf(
  store: KvRecordStore,
  signal?: AbortSignal,
): AsyncGenerator<DeadLetter> {
  for await (const { record } of recordsOf(store, signal)) yield* record.dead;
}

/** Puts a dead letter back at the end of its record's outbox. */
export async function redriveIn(store: KvRecordStore, id: string): Promise<boolean> {
  const letter = await rewriteDead(
    store,
    id,
    (record, { problem: _, deadAtMs: __, ...message }) => ({
      ...record,
      outbox: [...record.outbox, { ...message, attempts: 0 }],
    }),
  );
  if (letter === undefined) return false;
  const { redriven } = store.events;
  const { topic, key } = letter;
  if (redriven.hasSubscribers) {
    redriven.publish({ outbox: store.name, id, topic, key, by: "", why: "" });
  }
  return true;
}

/** Removes a dead letter. */
export async function takeDeadLetter(
  store: KvRecordStore,
  id: string,
  { by, why }: DropReason,
): Promise<boolean> {
  const letter = await rewriteDead(store, id, (record) => record);
  if (letter === undefined) return false;
  const { dropped } = store.events;
  const { topic, key } = letter;
  if (dropped.hasSubscribers) dropped.publish({ outbox: store.name, id, topic, key, by, why });
  return true;
}

/** Records of all partitions; those that are not ours are told as events and skipped. */
async function* recordsOf(
  store: KvRecordStore,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly key: string; readonly record: OutboxRecord }> {
  const collections = Array.from({ length: store.partitions }, (_, at) => store.collectionOf(at));
  for (const collection of collections.sort(compareNames)) {
    for await (const entry of store.backend.kv.list(collection, { signal, pageSize: 200 })) {
      const decoded = store.decode(entry);
      if (decoded.ok) yield { key: entry.key, record: decoded.record };
    }
  }
}

/** Takes the letter out of its record and writes what `rest` makes of both; the letter, if any. */
async function rewriteDead(
  store: KvRecordStore,
  id: string,
  rest: (record: OutboxRecord, letter: DeadLetter) => OutboxRecord,
): Promise<DeadLetter | undefined> {
  const isIt = (one: DeadLetter): boolean => one.id === id;
  for await (const { key, record: seen } of recordsOf(store)) {
    if (!seen.dead.some(isIt)) continue;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { record, entry } = await store.read(key);
      const letter = record.dead.find(isIt);
      if (letter === undefined) return tries === 0 ? undefined : letter;
      const without = { ...record, dead: record.dead.filter((one) => !isIt(one)) };
      const operationId = store.backend.runtime.ids.operation();
      const writing = { expect: entry, next: rest(without, letter), operationId };
      if ((await store.write(key, writing)).kind === "done") return letter;
      await store.rest(tries);
    }
    throw contended(key, MAX_TRIES);
  }
  return undefined;
}
