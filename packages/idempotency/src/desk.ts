/**
 * The desk: what all calls of one `Idempotency` work with, and the look at a record.
 */
import {
  type Backend,
  type Entry,
  type KvStore,
  Lifecycle,
  type Runtime,
  type Ms,
} from "@quorate/core";
import { type IdempotencyEvents, idempotencyEvents } from "./events.ts";
import { Flights } from "./flights.ts";
import { LocalCache } from "./local-cache.ts";
import type { Asker, Finding } from "./machine.ts";
import { findingOf } from "./machine.ts";
import type { Place } from "./call.ts";
import { type CheckedOptions, roomFor } from "./options.ts";
import { decodeRecord, type IdempotencyRecord, leaseLeftOf, type StoredAnswer } from "./record.ts";

/** All of a head but key and scope. */
const PLAIN_HEAD_BYTES = 512;

/** A record that was found, and what is left of its lease. */
export interface Found {
  readonly entry: Entry;
  readonly record: IdempotencyRecord;
  /** By the store's clock when it answered; of no account for answers. */
  readonly leaseLeftMs: Ms;
}

/** What the calls of one `Idempotency` share. */
export class Desk {
  readonly backend: Backend;
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly lifecycle: Lifecycle;
  readonly events: IdempotencyEvents;
  readonly options: CheckedOptions;
  readonly flights: Flights = new Flights();
  readonly cache: LocalCache | undefined;

  constructor(backend: Backend, options: CheckedOptions) {
    this.backend = backend;
    this.kv = backend.kv;
    this.runtime = backend.runtime;
    this.lifecycle = new Lifecycle(`the idempotency "${options.name}"`, backend.runtime);
    this.events = idempotencyEvents(backend.runtime.events);
    this.options = options;
    if (options.localCache !== undefined) {
      this.cache = new LocalCache(options.localCache, backend.runtime.time);
    }
  }

  /** Most bytes of an answer of `place` as text. */
  maxResultBytes(place: Place): number {
    return Math.min(
      this.options.maxResultBytes ?? Infinity,
      roomFor(this.backend, headBytes(place)),
    );
  }

  /** The record at `place`, linearizably. @throws RECORD_INVALID, or the store's error. */
  async look(place: Place, signal: AbortSignal | undefined): Promise<Found | undefined> {
    const entry = await this.kv.get(place.storeKey, { signal });
    return entry === undefined ? undefined : readFound(entry, place.key);
  }
}

/** What the head of a record takes at most: each byte of a name may be escaped to six. */
function headBytes({ key, scope = "" }: Place): number {
  return PLAIN_HEAD_BYTES + 6 * (Buffer.byteLength(key) + Buffer.byteLength(scope));
}

/** Reads `entry`. @throws RECORD_INVALID */
export function readFound(entry: Entry, key: string): Found {
  const record = decodeRecord(entry, key);
  return { entry, record, leaseLeftMs: leaseLeftOf(entry, record) };
}

/** What `found` is to `asker`. */
export function judge(found: Found | undefined, asker: Asker): Finding {
  if (found === undefined) return "nothing";
  const { record, leaseLeftMs } = found;
  const { owner, fingerprint } = record;
  return findingOf({ hasAnswer: isAnswer(record), owner, fingerprint, leaseLeftMs }, asker);
}

/** Whether `record` is that of a run which has an answer. */
export function isAnswer(record: IdempotencyRecord): record is IdempotencyRecord & StoredAnswer {
  return record.state !== "in-flight" && record.state !== "released";
}
