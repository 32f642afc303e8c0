/**
 * One watch of kv: state, `synced`, changes; `stale` and a fresh comparison around each outage.
 *
 * It remembers the revision of each key that it has told as alive. After an outage the store's
 * state is compared with that: what is gone is told as deleted, for a reason that nobody knows.
 * What the reader has not taken is coalesced: a key that came and went unread leaves no trace, so
 * memory is bounded by the keys alive and those that the reader still believes in.
 */
import { type Change, Feed } from "@quorate/core";
import type { KvChange, KvRecord } from "../store/kv-table.ts";
import { toEntry } from "./entry.ts";
import type { LinkListener } from "./link.ts";
import type { Process } from "./process.ts";

/** No name can be like these: names have no control characters. */
const SYNCED = "\0synced";
const STALE = "\0stale";

interface Told {
  readonly revision: number;
  /** The reader has never been handed this key alive: it may be taken back unread. */
  readonly isNews: boolean;
}

/** A watch, and the feed that its reader holds. */
export class KvWatch implements LinkListener {
  readonly feed: Feed<Change>;
  readonly #process: Process;
  readonly #target: string;
  readonly #told = new Map<string, Told>();
  readonly #onStopping = (): void => this.feed.end();
  #unsubscribe: (() => void) | undefined;

  constructor(process: Process, target: string, signal: AbortSignal | undefined) {
    this.#process = process;
    this.#target = target;
    this.feed = new Feed<Change>({ signal, onEnd: () => this.#stop() });
    if (signal?.aborted === true) return;
    process.link.listeners.add(this);
    process.lifecycle.stopping.addEventListener("abort", this.#onStopping, { once: true });
    if (process.link.isUp) this.up();
    else this.down(process.link.downSinceMs);
  }

  down(sinceMs: number): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.silent(sinceMs);
  }

  silent(sinceMs: number): void {
    this.feed.retract(SYNCED);
    this.feed.push(STALE, { kind: "stale", sinceMs });
  }

  heard(): void {
    this.#process.link.push(() => this.#tellSynced());
  }

  /** Asks for the state, in the same step in which it subscribes: nothing falls between. */
  up(): void {
    const { store, space, link } = this.#process;
    store.submit(() => {
      if (!link.isUp || !link.listeners.has(this) || this.#unsubscribe !== undefined) return;
      this.#unsubscribe = space.kvWatches.add(this.#target, (change) => {
        const { ms } = store.clock.now();
        link.push(() => this.#apply(change, ms));
      });
      const state = space.records(this.#target);
      link.push(() => this.#sync(state));
    });
  }

  #sync(state: { records: readonly KvRecord[]; nowMs: number }): void {
    const alive = new Set(state.records.map(({ key }) => key));
    for (const [key, { revision }] of [...this.#told]) {
      // One above the last told: below that of any entry which the key may have again.
      if (!alive.has(key)) this.#tellEnd(key, revision + 1, "unknown");
    }
    for (const record of state.records) {
      const before = this.#told.get(record.key)?.revision;
      if (before !== record.revision) this.#tellPut(record, state.nowMs);
    }
    this.#tellSynced();
  }

  /** Always last: an unread one from before would be in the wrong place. */
  #tellSynced(): void {
    this.feed.retract(SYNCED);
    this.feed.push(SYNCED, { kind: "synced" });
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

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#told.clear();
    this.#process.link.listeners.delete(this);
    this.#process.lifecycle.stopping.removeEventListener("abort", this.#onStopping);
  }
}
