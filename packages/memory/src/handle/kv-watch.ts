/**
 * One watch of kv: state, `synced`, changes; `stale` and a fresh comparison around each outage.
 *
 * It remembers the revision of each key that it has told as alive. After an outage the store's
 * state is compared with that: what is gone is told as deleted, for a reason that nobody knows.
 * What the reader has not taken is coalesced: a key that came and went unread leaves no trace, so
 * memory is bounded by the keys alive and those that the reader still believes in.
 */
import type { Change, Feed } from "@quorate/core";
import type { KvChange, KvRecord } from "../store/kv-table.ts";
import { toEntry } from "./entry.ts";
import { LinkWatch } from "./link-watch.ts";
import type { Process } from "./process.ts";

interface State {
  readonly records: readonly KvRecord[];
  readonly nowMs: number;
}

interface Told {
  readonly revision: number;
  /** The reader has never been handed this key alive: it may be taken back unread. */
  readonly isNews: boolean;
}

/** A watch, and the feed that its reader holds. */
export class KvWatch {
  readonly feed: Feed<Change>;
  readonly #told = new Map<string, Told>();

  constructor(process: Process, target: string, signal: AbortSignal | undefined) {
    const { space } = process;
    const watch = new LinkWatch<Change, State, KvChange>(process, signal, {
      subscribe: (hear) => space.kvWatches.add(target, hear),
      state: () => space.records(target),
      sync: (state) => this.#sync(state),
      apply: (change, nowMs) => this.#apply(change, nowMs),
      forget: () => this.#told.clear(),
    });
    this.feed = watch.feed;
    watch.start(signal);
  }

  #sync(state: State): void {
    const alive = new Set(state.records.map(({ key }) => key));
    for (const [key, { revision }] of [...this.#told]) {
      // One above the last told: below that of any entry which the key may have again.
      if (!alive.has(key)) this.#tellEnd(key, revision + 1, "unknown");
    }
    for (const record of state.records) {
      const before = this.#told.get(record.key)?.revision;
      if (before !== record.revision) this.#tellPut(record, state.nowMs);
    }
  }

  #apply(change: KvChange, nowMs: number): void {
    if (change.kind === "put") this.#tellPut(change.record, nowMs);
    else this.#tellEnd(change.key, change.revision, change.reason);
  }

  #tellPut(record: KvRecord, nowMs: number): void {
    const { key, revision } = record;
    const before = this.#told.get(key);
    const unread = this.feed.unread(key);
    const isNews =
      before === undefined ? unread === undefined : before.isNews && unread !== undefined;
    this.#told.set(key, { revision, isNews });
    this.feed.push(key, { kind: "put", entry: toEntry(record, nowMs) });
  }

  #tellEnd(key: string, revision: number, reason: "deleted" | "expired" | "unknown"): void {
    const before = this.#told.get(key);
    if (before === undefined) return;
    this.#told.delete(key);
    if (before.isNews && this.feed.retract(key)) return;
    this.feed.push(key, { kind: "delete", key, revision, reason });
  }
}
