/**
 * What one watcher has been told, and what it must be told next: a machine without I/O.
 *
 * Deliveries may come twice, late, or from a replica that lags; ends of life have no message at
 * all. The machine knows for each living key the revision told last, tells only what is newer, and
 * at the end of a resync names the keys that were told but not met again: the caller asks the
 * leader about those before it says that they are gone.
 *
 * Guarantees: per key revisions only grow. Memory: the living keys, and the last 10 000 ends.
 */
import type { Change, Entry, Ms, Revision } from "@quorate/core";
import { endRevision } from "../positions.ts";

interface Told {
  readonly revision: Revision;
  /** On the monotonic clock; `Infinity`: never. */
  readonly endsAtMs: Ms;
}

type Change1 = Extract<Change, { kind: "put" | "delete" }>;

const MOST_ENDS = 10_000;

/** One watcher's view. */
export class WatchState {
  readonly #told = new Map<string, Told>();
  /** Revisions of ends told lately: a replica that lags must not bring those keys back. */
  readonly #ended = new Map<string, Revision>();
  #met: Set<string> | undefined;

  /** Living keys told. */
  get size(): number {
    return this.#told.size;
  }

  /** True for a living key that was told. */
  has(key: string): boolean {
    return this.#told.has(key);
  }

  /** When the next entry ends, on the monotonic clock. */
  get nextEndMs(): Ms {
    let nextMs = Infinity;
    for (const { endsAtMs } of this.#told.values()) nextMs = Math.min(nextMs, endsAtMs);
    return nextMs;
  }

  /** The whole state is about to come once more. */
  beginSync(): void {
    this.#met = new Set();
  }

  /** A living entry was delivered. */
  put(entry: Entry, endsAtMs: Ms): Change1 | undefined {
    const { key, revision } = entry;
    this.#met?.add(key);
    const before = this.#told.get(key)?.revision ?? this.#ended.get(key) ?? 0;
    if (revision <= before) return undefined;
    this.#ended.delete(key);
    this.#told.set(key, { revision, endsAtMs });
    return { kind: "put", entry };
  }

  /** A tombstone, or an entry that was dead on arrival, was delivered. */
  gone(key: string, revision: Revision, reason: "deleted" | "expired"): Change1 | undefined {
    this.#met?.add(key);
    const told = this.#told.get(key);
    if (told === undefined || revision <= told.revision) return undefined;
    return this.#end(key, revision, reason);
  }

  /** Entries whose time is over at `nowMs`. */
  expire(nowMs: Ms): Change1[] {
    const changes: Change1[] = [];
    for (const [key, { endsAtMs, revision }] of this.#told) {
      if (endsAtMs <= nowMs) changes.push(this.#end(key, endRevision(revision), "expired"));
    }
    return changes;
  }

  /** The state is complete. Keys told and not met: gone, or missed by a replica that lags. */
  endSync(): string[] {
    const met = this.#met;
    this.#met = undefined;
    return met === undefined ? [] : [...this.#told.keys()].filter((key) => !met.has(key));
  }

  /** Keys told that are not among `present`. */
  missingFrom(present: ReadonlySet<string>): string[] {
    return [...this.#told.keys()].filter((key) => !present.has(key));
  }

  /** The leader says that `key` is not there; nobody knows how it went. */
  lost(key: string): Change1 | undefined {
    const told = this.#told.get(key);
    return told === undefined ? undefined : this.#end(key, endRevision(told.revision), "unknown");
  }

  #end(key: string, revision: Revision, reason: "deleted" | "expired" | "unknown"): Change1 {
    this.#told.delete(key);
    this.#ended.set(key, revision);
    if (this.#ended.size > MOST_ENDS) {
      for (const oldest of this.#ended.keys()) {
        this.#ended.delete(oldest);
        break;
      }
    }
    return { kind: "delete", key, revision, reason };
  }
}
