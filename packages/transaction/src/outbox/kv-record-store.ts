/**
 * Records of one collection in a kv, read and written by compare-and-set.
 *
 * A write that was not answered is settled before anything else happens: by the store's own means,
 * and where others have written since, by the operation ids that the record itself remembers.
 */
import {
  type Backend,
  type Entry,
  isQuorateError,
  QuorateError,
  type Resolution,
  type Revision,
  show,
  sleep,
} from "@quorate/core";

import type { OutboxEvents } from "./events.ts";
import { slotOf } from "./message.ts";
import { decodeRecord, encodeRecord, NO_RECORD, type OutboxRecord } from "./record.ts";
import { isEmpty } from "./settle.ts";

/** A record and the revision that it was read at. */
export interface Found {
  readonly record: OutboxRecord;
  readonly entry: Entry | undefined;
}

/** What a write needs. */
export interface Writing {
  readonly expect: Entry | undefined;
  readonly next: OutboxRecord;
  readonly operationId: string;
  readonly signal?: AbortSignal | undefined;
}

/** A write's answer: done at `revision` (`undefined`: the key is gone), or somebody came first. */
export type Written =
  | { readonly kind: "done"; readonly revision: Revision | undefined }
  | { readonly kind: "conflict" };

/** Reads and writes records. */
export class KvRecordStore {
  readonly backend: Backend;
  readonly name: string;
  readonly partitions: number;
  readonly events: OutboxEvents;

  constructor(
    backend: Backend,
    place: { readonly name: string; readonly partitions: number; readonly events: OutboxEvents },
  ) {
    this.backend = backend;
    this.name = place.name;
    this.partitions = place.partitions;
    this.events = place.events;
  }

  /** Where the records of a partition lie. */
  collectionOf(partition: number): string {
    return `${this.name}/${partition}`;
  }

  /** Where `id` lies. */
  keyOf(id: string): string {
    return `${this.collectionOf(slotOf(id, this.partitions))}/${id}`;
  }

  /** The record under `key`. @throws RECORD_INVALID something else lies there. */
  async read(key: string, signal?: AbortSignal): Promise<Found> {
    const entry = await this.backend.kv.get(key, { signal });
    if (entry === undefined) return { record: NO_RECORD, entry };
    const decoded = this.decode(entry);
    if (decoded.ok) return { record: decoded.record, entry };
    throw invalid(key, decoded.reason);
  }

  /** As `decodeRecord`; what is not ours is told as an event. */
  decode(entry: Entry): ReturnType<typeof decodeRecord> {
    const decoded = decodeRecord(entry.value);
    if (!decoded.ok && this.events.recordInvalid.hasSubscribers) {
      const { key } = entry;
      this.events.recordInvalid.publish({ outbox: this.name, key, reason: decoded.reason });
    }
    return decoded;
  }

  /**
   * Writes `next` where `expect` still is; removes the key where nothing is left.
   *
   * @throws OUTCOME_UNKNOWN neither the store nor the record can tell whether it was applied.
   */
  async write(key: string, writing: Writing): Promise<Written> {
    const { expect, next, operationId, signal } = writing;
    const { kv } = this.backend;
    const revision = expect?.revision ?? ("absent" as const);
    try {
      if (isEmpty(next)) {
        if (revision === "absent") return { kind: "done", revision: undefined };
        const gone = await kv.delete(key, { expect: revision, operationId, signal });
        return gone.ok ? { kind: "done", revision: undefined } : { kind: "conflict" };
      }
      const put = await kv.put(key, encodeRecord(next), { expect: revision, operationId, signal });
      if (put.ok) return { kind: "done", revision: put.entry.revision };
      return { kind: "conflict" };
    } catch (error) {
      if (!isQuorateError(error, "OUTCOME_UNKNOWN")) throw error;
      return this.#settle(key, writing, error);
    }
  }

  async #settle(key: string, writing: Writing, doubt: QuorateError): Promise<Written> {
    let became: Resolution | undefined;
    let recent: readonly string[] = [];
    try {
      became = await doubt.resolve?.(
        writing.signal === undefined ? {} : { signal: writing.signal },
      );
      if (became === "unknown") ({ recent } = (await this.read(key, writing.signal)).record);
    } catch {
      // That the question failed says nothing of the write: an effect of "none" would be a lie.
      throw doubt;
    }
    if (became === "applied") return { kind: "done", revision: undefined };
    if (became === "none") return { kind: "conflict" };
    if (recent.includes(writing.operationId)) return { kind: "done", revision: undefined };
    // Each update puts its id in front: where the one that this was built upon is there and this
    // is not, this was not applied, and cannot be any more.
    const base = writing.next.recent.find((one) => one !== writing.operationId);
    if (base !== undefined && recent.includes(base)) return { kind: "conflict" };
    throw doubt;
  }

  /** A rest after a conflict, longer each time, so that writers of one record get out of step. */
  async rest(conflicts: number, signal?: AbortSignal): Promise<void> {
    const { runtime } = this.backend;
    const mostMs = Math.min(5 * 2 ** conflicts, 250);
    await sleep(runtime, mostMs * runtime.random.next(), { signal });
  }
}

/** The error of a record that is not ours. */
export function invalid(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message = `what lies under ${show(key)} is not a record of an outbox: ${reason}`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

/** The error of a record that others write all the time. */
export function contended(key: string, conflicts: number): QuorateError<"OVERLOADED"> {
  const reason = `others wrote ${show(key)} first, ${conflicts} times`;
  const message = `${reason}; nothing was written: try again later, or write it less often`;
  return new QuorateError("OVERLOADED", message, { effect: "none", details: { reason } });
}
