/**
 * A small linearizable kv for tests, on scripted time, that does to a process what networks do.
 *
 * One `TestStore` is the server; each process has its own `TestLink` to it, with latency, lost
 * replies, requests that land late, and cuts. Revisions are consecutive, as on JetStream: the
 * hardest case for tokens. It counts operations, and keeps the history of each key.
 */
import { Feed, QuorateError, type Runtime, sleep } from "../index.ts";
import type { Change, DeleteOptions, DeleteResult, Entry, KvStore } from "../index.ts";
import type { CallOptions, PutOptions, PutResult, WatchOptions } from "../index.ts";

/** The server. */
export class TestStore {
  readonly entries: Map<string, Entry> = new Map();
  readonly feeds: Set<(change: Change) => void> = new Set();
  /** Writes that must not land any more. */
  readonly refused: Set<string> = new Set();
  revision: number;
  operations = 0;

  constructor(firstRevision = 1_000) {
    this.revision = firstRevision;
  }

  put(
    key: string,
    value: Uint8Array,
    expect: number | "absent" | undefined,
    operationId: string,
  ): PutResult {
    const current = this.entries.get(key);
    if (this.refused.has(operationId)) return { ok: false, current };
    if (current?.operationId === operationId) return { ok: true, entry: current, replayed: true };
    const holds =
      expect === undefined || (expect === "absent" ? !current : current?.revision === expect);
    if (!holds) return { ok: false, current };
    const revision = ++this.revision;
    const createdRevision = current?.createdRevision ?? revision;
    const entry = { key, value, revision, createdRevision, operationId };
    this.entries.set(key, entry);
    this.#tell({ kind: "put", entry });
    return { ok: true, entry, replayed: false };
  }

  delete(key: string, expect: number | undefined, operationId: string): DeleteResult {
    const current = this.entries.get(key);
    if (this.refused.has(operationId)) return { ok: false, current };
    if (!current || (expect !== undefined && current.revision !== expect))
      return { ok: false, current };
    this.entries.delete(key);
    const revision = ++this.revision;
    this.#tell({ kind: "delete", key, revision, reason: "deleted" });
    return { ok: true, revision };
  }

  #tell(change: Change): void {
    for (const feed of this.feeds) feed(change);
  }
}

/** Faults of one process's link. Each is drawn anew for each request. */
export interface Faults {
  /** Milliseconds, one way. */
  delayMs: () => number;
  /** What a watch's events take beyond that. */
  pushMs?: () => number;
  /** The request arrives, its answer does not. */
  loseReply: () => boolean;
  /** The request arrives only so much later than its sender waits; 0: on time. */
  lateMs: () => number;
}

/** One process's view of the store. */
export class TestLink implements KvStore {
  faults: Faults = { delayMs: () => 1, loseReply: () => false, lateMs: () => 0 };
  down = false;
  operations = 0;
  readonly #store: TestStore;
  readonly #runtime: Runtime;
  readonly #whenAwake: () => Promise<void>;

  /** `runtime` is the network's; `whenAwake` resolves while the process is not paused. */
  constructor(
    store: TestStore,
    runtime: Runtime,
    whenAwake: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#store = store;
    this.#runtime = runtime;
    this.#whenAwake = whenAwake;
  }

  get(key: string, options: CallOptions = {}): Promise<Entry | undefined> {
    return this.#exchange("get", options.timeoutMs ?? 5_000, () => this.#store.entries.get(key));
  }

  async put(key: string, value: Uint8Array | string, options: PutOptions = {}): Promise<PutResult> {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    const id = options.operationId ?? this.#runtime.ids.operation();
    const act = (): PutResult => this.#store.put(key, bytes, options.expect, id);
    return await this.#exchange("put", options.timeoutMs ?? 5_000, act, { key, id });
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<DeleteResult> {
    const id = options.operationId ?? this.#runtime.ids.operation();
    const act = (): DeleteResult => this.#store.delete(key, options.expect, id);
    return await this.#exchange("delete", options.timeoutMs ?? 5_000, act, { key, id });
  }

  async *list(): AsyncIterable<Entry> {
    yield* [...this.#store.entries.values()];
  }

  watch(target: string, options: WatchOptions = {}): AsyncIterableIterator<Change> {
    const matches = (key: string): boolean =>
      target === "" || target.endsWith("/") ? key.startsWith(target) : key === target;
    let lastMs = 0;
    const later = (change: Change): void => {
      // In order, as on one connection.
      const { time } = this.#runtime;
      lastMs = Math.max(
        lastMs,
        time.monotonicMs() + this.faults.delayMs() + (this.faults.pushMs?.() ?? 0),
      );
      const keyOf =
        change.kind === "put"
          ? change.entry.key
          : change.kind === "delete"
            ? change.key
            : change.kind;
      const arrive = (): void => void this.#whenAwake().then(() => feed.push(keyOf, change));
      time.setTimer(lastMs - time.monotonicMs(), arrive);
    };
    const tell = (change: Change): void => {
      if (
        matches(
          change.kind === "put" ? change.entry.key : change.kind === "delete" ? change.key : "",
        )
      )
        later(change);
    };
    const feed = new Feed<Change>({
      signal: options.signal,
      onEnd: () => this.#store.feeds.delete(tell),
    });
    for (const entry of this.#store.entries.values())
      if (matches(entry.key)) later({ kind: "put", entry });
    later({ kind: "synced" });
    this.#store.feeds.add(tell);
    return feed;
  }

  /** Sends `act` to the server and brings back what it says, or does not. */
  async #exchange<T>(
    operation: string,
    timeoutMs: number,
    act: () => T,
    writes?: Write,
  ): Promise<T> {
    this.operations += 1;
    this.#store.operations += 1;
    const { faults } = this;
    if (this.down) {
      await sleep(this.#runtime, 1);
      const details = { operation };
      throw new QuorateError("STORE_UNAVAILABLE", "the link is down", { effect: "none", details });
    }
    const lateMs = writes === undefined ? 0 : faults.lateMs();
    await sleep(this.#runtime, faults.delayMs());
    if (lateMs > 0) {
      void sleep(this.#runtime, lateMs).then(act);
      return this.#silence(operation, timeoutMs, writes);
    }
    const answer = act();
    if (faults.loseReply()) return this.#silence(operation, timeoutMs, writes);
    await sleep(this.#runtime, faults.delayMs());
    await this.#whenAwake();
    return answer;
  }

  async #silence(operation: string, timeoutMs: number, write: Write | undefined): Promise<never> {
    await sleep(this.#runtime, timeoutMs);
    await this.#whenAwake();
    if (write === undefined) {
      const details = { operation, timeoutMs };
      throw new QuorateError("TIMEOUT", "silence", { effect: "none", details });
    }
    const { key, id } = write;
    throw new QuorateError("OUTCOME_UNKNOWN", "silence", {
      effect: "unknown",
      details: { operation, key },
      resolve: async () => {
        await sleep(this.#runtime, this.faults.delayMs());
        if (this.down) throw new Error("the link is down");
        const current = this.#store.entries.get(key);
        if (current?.operationId === id) return "applied";
        // What stands is written again, so that the straggler's condition fails for ever.
        const fence = this.#runtime.ids.operation();
        if (current === undefined) this.#store.refused.add(id);
        else this.#store.put(key, current.value, current.revision, fence);
        return "unknown";
      },
    });
  }
}

interface Write {
  readonly key: string;
  readonly id: string;
}
