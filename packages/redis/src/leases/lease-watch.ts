/**
 * Watching leases: the state first, then each grant and each end.
 *
 * A change brings the whole record of its name; what is new in it was granted, what is missing has
 * ended. A renewal is no change: when a holder's known end passes, the watch reads the record, and
 * asks the store to settle it, which is also how an expiry becomes known where nobody waits.
 *
 * Guarantees: per name in order, the last state always; ends that fell into a disconnect have the
 * reason `unknown`. Memory is bounded by the holders alive.
 */
import {
  checkTarget,
  decodeName,
  encodeName,
  Feed,
  isPrefix,
  isQuorateError,
  type LeaseEvent,
  linkedController,
  matchesTarget,
  type Ms,
  type Timer,
  type WatchOptions,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import { ChangeLink, type Watcher } from "../watch/change-link.ts";
import { leaseNames, readLeases } from "./lease-list.ts";
import { parseRecord, shownHolder, type StoredHolder } from "./wire.ts";

const DIGITS = 16;
const PAGE = 200;
const RETRY_MS = 500;
const LONGEST_LOOK_MS = 60_000;
/** Keys in the feed that no name can have. */
const SYNCED = "\nsynced";
const STALE = "\nstale";

/** All watches on leases of one backend. */
export class LeaseWatches {
  readonly #engine: Engine;
  readonly #changes: ChangeLink;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#changes = new ChangeLink(engine, {
      poll: engine.scripts["lease-poll"],
      pollKeys: (partition) => [partition.leases],
      channel: (partition) => partition.leaseChanges,
    });
  }

  /** Begins a watch. */
  watch(target: string, options?: WatchOptions): AsyncIterableIterator<LeaseEvent> {
    checkTarget("target", target);
    this.#engine.lifecycle.assertOpen();
    return new LeaseWatch(this.#engine, this.#changes, target, options).feed;
  }

  /** Stops. */
  close(): void {
    this.#changes.close();
  }
}

type Reason = "released" | "expired" | "unknown";

/** Holders of one name, by token. */
type Known = Map<number, StoredHolder>;

/** A name as a change or a read tells of it. */
interface ReadState {
  readonly name: string;
  readonly record: string;
  readonly nowMicros: number;
  /** The partition's clock at that moment. */
  readonly revision: number;
}

class LeaseWatch implements Watcher {
  readonly feed: Feed<LeaseEvent>;
  readonly partitions: readonly Partition[];
  readonly #engine: Engine;
  readonly #changes: ChangeLink;
  readonly #target: string;
  readonly #names = new Map<string, Known>();
  /** Revision of what is known of a name; of names that are gone only while something is read. */
  readonly #revisions = new Map<string, number>();
  readonly #reading = new Map<Partition, Promise<void>>();
  readonly #again = new Set<Partition>();
  readonly #unread = new Set<Partition>();
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
    for (const partition of this.partitions) this.#unread.add(partition);
    if (!this.#stop.signal.aborted) void this.#begin();
  }

  onChange(_partition: Partition, revision: number, body: Buffer): void {
    const text = body.toString("utf8", DIGITS);
    const nowMicros = Number(body.toString("latin1", 0, DIGITS));
    const [field = "", ended = ""] = text.split("\n", 2);
    const name = decodeName(field);
    if (name === undefined || !matchesTarget(this.#target, name)) return;
    const record = text.slice(field.length + ended.length + 2);
    const released = new Set(ended === "" ? [] : [Number(ended)]);
    this.#apply({ name, record, nowMicros, revision }, (holder) =>
      released.has(holder.fencingToken) ? "released" : "expired",
    );
  }

  onGap(partition: Partition): void {
    this.#unread.add(partition);
    void this.#read(partition);
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
      for (const partition of this.partitions) void this.#read(partition);
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
  #read(partition: Partition): Promise<void> {
    const under = this.#reading.get(partition);
    if (under !== undefined) {
      this.#again.add(partition);
      return under;
    }
    const reading = this.#readOnce(partition).then(
      () => this.#afterRead(partition, true),
      () => this.#afterRead(partition, false),
    );
    this.#reading.set(partition, reading);
    return reading;
  }

  #afterRead(partition: Partition, whole: boolean): void {
    this.#reading.delete(partition);
    if (this.#stop.signal.aborted) return;
    if (this.#reading.size === 0) {
      for (const name of this.#revisions.keys()) {
        if (!this.#names.has(name)) this.#revisions.delete(name);
      }
    }
    if (!whole) {
      const { time } = this.#engine.runtime;
      time.setTimer(RETRY_MS, () => void this.#read(partition), { keepAlive: false });
    } else if (this.#again.delete(partition)) void this.#read(partition);
    else if (this.#unread.delete(partition) && this.#unread.size === 0) {
      this.#tellSynced();
    }
  }

  async #readOnce(partition: Partition): Promise<void> {
    const call = { signal: this.#stop.signal, timeoutMs: this.#engine.bounds.requestTimeoutMs };
    const target = this.#target;
    const names = isPrefix(target)
      ? (await leaseNames(this.#engine, partition, target, call)).names
      : [target];
    const mine = [...this.#names.keys()].filter(
      (name) => this.#engine.partitions.of(encodeName(name)) === partition,
    );
    const all = [...new Set([...names, ...mine])];
    for (let from = 0; from < all.length; from += PAGE) {
      const page = all.slice(from, from + PAGE);
      const read = await readLeases(this.#engine, partition, page, call);
      if (this.#stop.signal.aborted) return;
      for (const { name, record } of read.records) {
        const state = { name, record, nowMicros: read.serverMicros, revision: read.clock };
        this.#apply(state, () => "unknown");
      }
    }
  }

  #apply(state: ReadState, reasonOf: (holder: StoredHolder) => Reason): void {
    const { name, record, nowMicros, revision } = state;
    // Answers and pushes come by two connections: what is older than what we know is no news.
    if (revision < (this.#revisions.get(name) ?? 0)) return;
    this.#revisions.set(name, revision);
    const known: Known = this.#names.get(name) ?? new Map();
    const alive = parseRecord(record).holders.filter(({ endMicros }) => endMicros > nowMicros);
    const tokens = new Set(alive.map(({ fencingToken }) => fencingToken));
    for (const [token, holder] of known) {
      if (tokens.has(token)) continue;
      known.delete(token);
      this.#ended(name, holder, reasonOf(holder));
    }
    for (const holder of alive) {
      const before = known.get(holder.fencingToken);
      known.set(holder.fencingToken, holder);
      if (before === undefined) this.#granted(name, holder, nowMicros);
      this.#expectEnd(holder, nowMicros);
    }
    if (known.size > 0) this.#names.set(name, known);
    else {
      this.#names.delete(name);
      if (this.#reading.size === 0) this.#revisions.delete(name);
    }
  }

  #granted(name: string, holder: StoredHolder, nowMicros: number): void {
    const shown = shownHolder(holder, nowMicros);
    this.feed.push(keyOf(name, holder), { kind: "granted", name, holder: shown });
  }

  #ended(name: string, holder: StoredHolder, reason: Reason): void {
    const key = keyOf(name, holder);
    // Came and went without being read of.
    if (this.feed.retract(key)) return;
    const { owner, fencingToken } = holder;
    this.feed.push(key, { kind: "ended", name, owner, fencingToken, reason });
  }

  #expectEnd(holder: StoredHolder, nowMicros: number): void {
    this.#lookIn(Math.max(0, (holder.endMicros - nowMicros) / 1_000) + 1);
  }

  /** Looks at known ends in so long, if no look is due before that. */
  #lookIn(leftMs: Ms): void {
    const { time } = this.#engine.runtime;
    const atMs = time.monotonicMs() + leftMs;
    if (this.#expiry !== undefined && this.#expiry.atMs <= atMs) return;
    this.#expiry?.timer.cancel();
    const timer = time.setTimer(leftMs, () => void this.#lookAtEnded(), { keepAlive: false });
    this.#expiry = { timer, atMs };
  }

  /** The server's clock, as late as it may be; all is due where nothing is known of it. */
  #latestMicros(name: string): number {
    const { clocks, partitions } = this.#engine;
    return clocks.of(partitions.of(encodeName(name))).latestMicros(0) || Infinity;
  }

  /** Some known end has passed: has it been moved, or is it over? */
  async #lookAtEnded(): Promise<void> {
    this.#expiry = undefined;
    if (this.#stop.signal.aborted) return;
    const due: string[] = [];
    let nextMs = Infinity;
    for (const [name, known] of this.#names) {
      const latest = this.#latestMicros(name);
      for (const { endMicros } of known.values()) {
        if (endMicros <= latest) due.push(name);
        else nextMs = Math.min(nextMs, (endMicros - latest) / 1_000);
      }
    }
    try {
      await this.#settle([...new Set(due)]);
    } catch {
      // The link is down; what happened meanwhile is read when it is back.
    }
    // What was moved meanwhile may end much later than what was not due yet.
    if (nextMs < Infinity) this.#lookIn(Math.min(Math.max(1, nextMs), LONGEST_LOOK_MS));
  }

  async #settle(names: readonly string[]): Promise<void> {
    const { partitions, link, scripts, bounds } = this.#engine;
    const call = { signal: this.#stop.signal, timeoutMs: bounds.requestTimeoutMs };
    for (const partition of this.partitions) {
      const here = names.filter((name) => partitions.of(encodeName(name)) === partition);
      for (let from = 0; from < here.length; from += PAGE) {
        const page = here.slice(from, from + PAGE);
        // Settling publishes the ends that it finds; the read tells of ends that have moved.
        const args = [partition.prefix, "", ...page.flatMap((name) => ["S", encodeName(name)])];
        const script = scripts.lease;
        const keys = [partition.leases];
        await link.run({ operation: "leases.settle", script, keys, args, ...call });
        const { records, serverMicros } = await readLeases(this.#engine, partition, page, call);
        for (const { name, record } of records) this.#moveEnds(name, record, serverMicros);
      }
    }
  }

  #moveEnds(name: string, record: string, nowMicros: number): void {
    const known = this.#names.get(name);
    if (known === undefined) return;
    for (const holder of parseRecord(record).holders) {
      if (!known.has(holder.fencingToken)) continue;
      known.set(holder.fencingToken, holder);
      this.#expectEnd(holder, nowMicros);
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
    this.#names.clear();
  }
}

function keyOf(name: string, holder: StoredHolder): string {
  return `${name} ${holder.fencingToken}`;
}
