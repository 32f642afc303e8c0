/**
 * Watching kv: the state first, then changes, then the state anew wherever something was missed.
 *
 * What a watch knows is in one `Mirror` per partition; this is the shell that feeds it: changes
 * from the `ChangeLink`, pages after each gap, and for keys with a retention a timer of its own,
 * because Redis tells of expiry late or never. The look at a key whose time has come also makes
 * the store forget its name, and tell the other watchers.
 */
import {
  type Change,
  checkTarget,
  encodeName,
  type Entry,
  Feed,
  isPrefix,
  isQuorateError,
  linkedController,
  matchesTarget,
  type Ms,
  type Timer,
  type WatchOptions,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import { ChangeLink, type Watcher } from "../watch/change-link.ts";
import { readPage } from "./kv-list.ts";
import { readEntry, readKeys } from "./kv-read.ts";
import { decodeEntry, digitsAt } from "./kv-wire.ts";
import { Mirror } from "./mirror.ts";

const PAGE_SIZE = 500;
const RETRY_MS = 500;
/** Keys in the feed that no name can have. */
const SYNCED = "\nsynced";
const STALE = "\nstale";
const DIGITS = 16;
const NAME_DIGITS = 4;

/** All watches on kv of one backend. */
export class KvWatches {
  readonly #engine: Engine;
  readonly #changes: ChangeLink;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#changes = new ChangeLink(engine, {
      poll: engine.scripts["kv-poll"],
      pollKeys: (partition) => [partition.clock, partition.watched],
      channel: (partition) => partition.changes,
    });
  }

  /** Begins a watch. */
  watch(target: string, options?: WatchOptions): AsyncIterableIterator<Change> {
    checkTarget("target", target);
    this.#engine.lifecycle.assertOpen();
    return new KvWatch(this.#engine, this.#changes, target, options).feed;
  }

  /** Stops. */
  close(): void {
    this.#changes.close();
  }
}

class KvWatch implements Watcher {
  readonly feed: Feed<Change>;
  readonly partitions: readonly Partition[];
  readonly #engine: Engine;
  readonly #changes: ChangeLink;
  readonly #target: string;
  readonly #mirrors = new Map<Partition, Mirror>();
  readonly #reading = new Set<Partition>();
  readonly #again = new Set<Partition>();
  readonly #unread = new Set<Partition>();
  /** Keys whose put the reader has taken: their end must be told, not taken back. */
  readonly #told = new Set<string>();
  /** Keys that have been put at least once since they were last gone. */
  readonly #written = new Set<string>();
  readonly #stop: ReturnType<typeof linkedController>;
  /** The reader has not been told `synced` since the beginning, or since the last `stale`. */
  #owesSynced = true;
  #expiry: { readonly timer: Timer; readonly atMs: Ms } | undefined;

  constructor(engine: Engine, changes: ChangeLink, target: string, options?: WatchOptions) {
    this.#engine = engine;
    this.#changes = changes;
    this.#target = target;
    const { partitions, lifecycle } = engine;
    this.partitions = isPrefix(target) ? partitions.all : [partitions.of(encodeName(target))];
    this.#stop = linkedController(options?.signal, lifecycle.stopping);
    this.feed = new Feed({ signal: this.#stop.signal, onEnd: () => this.#end() });
    for (const partition of this.partitions) {
      this.#mirrors.set(partition, new Mirror());
      this.#unread.add(partition);
    }
    if (!this.#stop.signal.aborted) void this.#begin();
  }

  onChange(partition: Partition, revision: number, body: Buffer): void {
    const kind = String.fromCharCode(body[0] ?? 0);
    const retentionMs = digitsAt(body, 1);
    const nameAt = 1 + DIGITS + NAME_DIGITS;
    const length = Number(body.toString("latin1", 1 + DIGITS, nameAt));
    const key = body.toString("utf8", nameAt, nameAt + length);
    if (!matchesTarget(this.#target, key)) return;
    const mirror = this.#mirrors.get(partition);
    if (kind !== "P") {
      this.#tell(mirror?.end(key, revision, kind === "D" ? "deleted" : "expired"));
      return;
    }
    const bytes = body.subarray(nameAt + length);
    if (bytes.length === 0) return void this.#fetch(partition, key);
    this.#take(partition, decode(key, bytes, retentionMs === 0 ? -1 : retentionMs));
  }

  onGap(partition: Partition): void {
    this.#unread.add(partition);
    this.#read(partition);
  }

  onStale(sinceMs: Ms): void {
    this.#owesSynced = true;
    this.feed.retract(SYNCED);
    this.feed.push(STALE, { kind: "stale", sinceMs });
    for (const partition of this.partitions) {
      this.#unread.add(partition);
      // What is being read may be from before the break.
      if (this.#reading.has(partition)) this.#again.add(partition);
    }
  }

  async #begin(): Promise<void> {
    const { time } = this.#engine.runtime;
    const sinceMs = time.monotonicMs();
    try {
      await this.#changes.add(this, this.#stop.signal);
      for (const partition of this.partitions) this.#read(partition);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#changes.remove(this);
      if (!isQuorateError(error) || !error.retryable) return this.feed.fail(error);
      // A store that is down when the watch begins is one more link to be waited for.
      this.onStale(sinceMs);
      time.setTimer(RETRY_MS, () => void this.#begin(), { keepAlive: false });
    }
  }

  /** Reads a partition anew; once more afterwards if it is told to while it reads. */
  #read(partition: Partition): void {
    if (this.#reading.has(partition)) {
      this.#again.add(partition);
      return;
    }
    this.#reading.add(partition);
    this.#readAll(partition).then(
      () => this.#afterRead(partition, true),
      () => this.#afterRead(partition, false),
    );
  }

  #afterRead(partition: Partition, whole: boolean): void {
    this.#reading.delete(partition);
    if (this.#stop.signal.aborted) return;
    if (!whole) {
      const { time } = this.#engine.runtime;
      time.setTimer(RETRY_MS, () => this.#read(partition), { keepAlive: false });
    } else if (this.#again.delete(partition)) this.#read(partition);
    else if (this.#unread.delete(partition) && this.#unread.size === 0) {
      this.#tellSynced();
    }
  }

  async #readAll(partition: Partition): Promise<void> {
    const call = { signal: this.#stop.signal, timeoutMs: this.#engine.bounds.requestTimeoutMs };
    const mirror = this.#mirrors.get(partition);
    if (mirror === undefined) return;
    const target = this.#target;
    mirror.beginRead();
    if (!isPrefix(target)) {
      const { found, clock } = await readKeys(this.#engine, partition, [target], call);
      const entry = found.get(target);
      if (entry !== undefined) this.#take(partition, entry);
      for (const change of mirror.endRead(clock)) this.#tell(change);
      return;
    }
    let from: string | undefined;
    let began: number | undefined;
    do {
      const request = { ...call, partition, prefix: target, deep: true, from, pageSize: PAGE_SIZE };
      const page = await readPage(this.#engine, request);
      if (this.#stop.signal.aborted) return;
      began ??= page.clock;
      for (const entry of page.entries) this.#take(partition, entry);
      from = page.next;
    } while (from !== "");
    for (const change of mirror.endRead(began)) this.#tell(change);
  }

  /** A change whose entry was too long to publish. */
  async #fetch(partition: Partition, key: string): Promise<void> {
    const call = { signal: this.#stop.signal, timeoutMs: this.#engine.bounds.requestTimeoutMs };
    try {
      const entry = await readEntry(this.#engine, key, call);
      if (entry !== undefined) this.#take(partition, entry);
    } catch {
      this.onGap(partition);
    }
  }

  #take(partition: Partition, entry: Entry | undefined): void {
    if (entry === undefined) return;
    const { expiresInMs } = entry;
    const nowMs = this.#engine.runtime.time.monotonicMs();
    // Redis counts whole milliseconds.
    const endsMs = expiresInMs === undefined ? Infinity : nowMs + expiresInMs + 1;
    this.#tell(this.#mirrors.get(partition)?.put(entry, endsMs));
    if (endsMs < Infinity) this.#expectEnd(endsMs);
  }

  #tell(change: Change | undefined): void {
    if (change === undefined || change.kind === "synced" || change.kind === "stale") return;
    if (change.kind === "put") {
      const { key } = change.entry;
      if (this.feed.unread(key) === undefined && this.#mirrorHad(key)) this.#told.add(key);
      this.feed.push(key, change);
      return;
    }
    const { key } = change;
    this.#written.delete(key);
    const neverRead = this.feed.unread(key)?.kind === "put" && !this.#told.has(key);
    this.#told.delete(key);
    // Came and went without being read of.
    if (neverRead) this.feed.retract(key);
    else this.feed.push(key, change);
  }

  #mirrorHad(key: string): boolean {
    const had = this.#written.has(key);
    this.#written.add(key);
    return had;
  }

  #expectEnd(atMs: Ms): void {
    if (this.#expiry !== undefined && this.#expiry.atMs <= atMs) return;
    this.#expiry?.timer.cancel();
    const { time } = this.#engine.runtime;
    const delayMs = Math.max(0, atMs - time.monotonicMs());
    const timer = time.setTimer(delayMs, () => void this.#lookAtEnded(), { keepAlive: false });
    this.#expiry = { timer, atMs };
  }

  async #lookAtEnded(): Promise<void> {
    this.#expiry = undefined;
    if (this.#stop.signal.aborted) return;
    const nowMs = this.#engine.runtime.time.monotonicMs();
    let nextMs = Infinity;
    for (const [partition, mirror] of this.#mirrors) {
      const due = mirror.due(nowMs);
      nextMs = Math.min(nextMs, due.nextMs);
      for (let from = 0; from < due.keys.length; from += PAGE_SIZE) {
        await this.#lookAt(partition, due.keys.slice(from, from + PAGE_SIZE));
      }
    }
    if (nextMs < Infinity) this.#expectEnd(nextMs);
  }

  async #lookAt(partition: Partition, keys: readonly string[]): Promise<void> {
    const call = { signal: this.#stop.signal, timeoutMs: this.#engine.bounds.requestTimeoutMs };
    try {
      const { found, clock } = await readKeys(this.#engine, partition, keys, call);
      const mirror = this.#mirrors.get(partition);
      for (const key of keys) {
        const entry = found.get(key);
        if (entry !== undefined) this.#take(partition, entry);
        else this.#tell(mirror?.end(key, Math.max(clock, mirror.revisionOf(key) ?? 0), "expired"));
      }
    } catch {
      if (this.#stop.signal.aborted) return;
      this.#expectEnd(this.#engine.runtime.time.monotonicMs() + RETRY_MS);
    }
  }

  #tellSynced(): void {
    if (!this.#owesSynced) return;
    this.#owesSynced = false;
    this.feed.retract(STALE);
    this.feed.push(SYNCED, { kind: "synced" });
  }

  #end(): void {
    this.#stop.detach();
    this.#stop.abort(new Error("the watch has ended"));
    this.#expiry?.timer.cancel();
    this.#changes.remove(this);
    this.#mirrors.clear();
    this.#told.clear();
  }
}

/** A damaged record is nobody's news; whoever gets it is told what is wrong with it. */
function decode(key: string, bytes: Buffer, leftMs: Ms): Entry | undefined {
  try {
    return decodeEntry(key, bytes, leftMs);
  } catch {
    return undefined;
  }
}
