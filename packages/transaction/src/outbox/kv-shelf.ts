/**
 * One partition of a collection, as the relay that holds its lease sees it.
 *
 * A watch tells which records have messages: the whole partition once, when it is taken, then what
 * changes; an idle collection costs nothing. As a net, the partition is read through now and then,
 * page by page and without haste. Only names are kept; the record is read when its turn comes, so
 * that its messages are those of that moment.
 *
 * A revision that is not above the one of our own last write is not news.
 */
import { type Entry, isQuorateError, type Ms, type Revision, scrub, sleep } from "@quorate/core";

import { Agenda } from "./agenda.ts";
import type { KvRecordStore } from "./kv-record-store.ts";
import { settled } from "./settle.ts";
import type { OutboxRecord } from "./record.ts";
import type { Backlog, Job, Left, Outcome, Shelf, ShelfContext } from "./source.ts";

/** Records with messages that are remembered at once. */
const MAX_LANES = 100_000;
/** Between two readings of the whole partition. */
const SCAN_EVERY_MS = 600_000;
/** Where lanes had to be left out. */
const RESCAN_MS = 1_000;
const SCAN_PAGE = 200;
const TROUBLE_REST_MS = 500;
const MAX_CONFLICTS = 64;

/** Sees each record of the partition that is told of by the watch or a scan. */
export type RecordListener = (key: string, record: OutboxRecord | undefined) => void;

/** The shelf of a collection. */
export class KvShelf implements Shelf {
  readonly #store: KvRecordStore;
  readonly #context: ShelfContext;
  readonly #agenda: Agenda;
  readonly #listener: RecordListener | undefined;
  readonly #closing = new AbortController();
  /** Revisions of our own last writes, of lanes at work or at rest. */
  readonly #written = new Map<string, Revision>();

  constructor(store: KvRecordStore, context: ShelfContext, listener?: RecordListener) {
    this.#store = store;
    this.#context = context;
    this.#listener = listener;
    this.#agenda = new Agenda(context.runtime, MAX_LANES);
    void this.#again("watch", TROUBLE_REST_MS, () => this.#watch());
    void this.#again("scan", SCAN_EVERY_MS, () => this.#scan());
  }

  async next(): Promise<Job | undefined> {
    for (;;) {
      const key = await this.#agenda.next();
      if (key === undefined) return undefined;
      try {
        const { record } = await this.#store.read(key, this.#closing.signal);
        if (record.outbox.length > 0) return this.#job(key, record);
        this.#done(key, "nothing");
      } catch (error) {
        if (this.#closing.signal.aborted) return undefined;
        // A record that is not ours was told of; its next write is news.
        if (isQuorateError(error, "RECORD_INVALID")) this.#done(key, "nothing");
        else {
          this.#trouble("read", error);
          this.#done(key, { restMs: TROUBLE_REST_MS });
        }
      }
    }
  }

  wake(): void {
    // The watch is told of every write; there is nothing to hint at.
  }

  async backlog(): Promise<Backlog> {
    return { pending: this.#agenda.size, oldestAtMs: this.#agenda.oldestAtMs };
  }

  close(): void {
    this.#agenda.close();
    this.#closing.abort(new Error("the partition is not served here any more"));
  }

  #job(key: string, record: OutboxRecord): Job {
    const messages = record.outbox;
    const ids = new Set(messages.map(({ id }) => id));
    return {
      lane: key,
      messages,
      settle: (outcome) => this.#settle(key, outcome, ids),
      done: (left) => this.#done(key, left),
    };
  }

  #done(key: string, left: Left): void {
    if (left === "nothing") this.#written.delete(key);
    this.#agenda.done(key, left);
  }

  async #settle(key: string, outcome: Outcome, seen: ReadonlySet<string>): Promise<void> {
    const { runtime } = this.#context;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      if (conflicts > 0) await this.#store.rest(conflicts);
      const { record, entry } = await this.#store.read(key);
      const next = settled(record, outcome, Math.floor(runtime.time.wallMs()));
      if (next === record) return; // Another relay did it.
      const operationId = runtime.ids.operation();
      const written = await this.#store.write(key, { expect: entry, next, operationId });
      if (written.kind === "conflict") continue;
      if (written.revision !== undefined) this.#written.set(key, written.revision);
      // What a writer added meanwhile was news at a revision below ours, which is not looked at.
      const added = next.outbox.find(({ id }) => !seen.has(id));
      if (added !== undefined) this.#agenda.note(key, added.atMs);
      return;
    }
    throw new Error(`others wrote ${key} first, ${MAX_CONFLICTS} times`);
  }

  async #watch(): Promise<void> {
    const { kv } = this.#store.backend;
    const target = `${this.#store.collectionOf(this.#context.partition)}/`;
    for await (const change of kv.watch(target, { signal: this.#closing.signal })) {
      if (change.kind === "put") this.#see(change.entry);
      else if (change.kind === "delete") {
        this.#listener?.(change.key, undefined);
        this.#agenda.forget(change.key);
      }
    }
  }

  async #scan(): Promise<void> {
    const { kv, runtime } = this.#store.backend;
    const { signal } = this.#closing;
    let restMs: Ms = SCAN_EVERY_MS * (0.5 + runtime.random.next());
    for (;;) {
      await sleep(runtime, restMs, { signal, keepAlive: false });
      this.#agenda.overflowed = false;
      const collection = this.#store.collectionOf(this.#context.partition);
      let read = 0;
      for await (const entry of kv.list(collection, { signal, pageSize: SCAN_PAGE })) {
        this.#see(entry);
        read += 1;
        if (read % SCAN_PAGE === 0) await sleep(runtime, 50, { signal, keepAlive: false });
      }
      restMs = this.#agenda.overflowed ? RESCAN_MS : SCAN_EVERY_MS;
    }
  }

  #see(entry: Entry): void {
    const { key } = entry;
    if (entry.revision <= (this.#written.get(key) ?? 0)) return;
    const decoded = this.#store.decode(entry);
    if (!decoded.ok) return;
    this.#written.delete(key);
    this.#listener?.(key, decoded.record);
    const [oldest] = decoded.record.outbox;
    if (oldest === undefined) this.#agenda.forget(key);
    else this.#agenda.note(key, oldest.atMs);
  }

  /** Runs `work` until the shelf is closed; what it fails with is told, and it begins anew. */
  async #again(doing: "watch" | "scan", restMs: Ms, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (signal.aborted || isQuorateError(error, "CLOSED")) return;
        this.#trouble(doing, error);
      }
      const { runtime } = this.#context;
      await sleep(runtime, Math.min(restMs, 5_000), { signal, keepAlive: false }).catch(() => {});
    }
  }

  #trouble(doing: "watch" | "scan" | "read", error: unknown): void {
    const { trouble } = this.#context.events;
    if (!trouble.hasSubscribers) return;
    const problem = scrub(error instanceof Error ? error.message : String(error));
    trouble.publish({ outbox: this.#store.name, doing, problem });
  }
}
