/**
 * Grants and ends of leases, told from the changes of their records.
 *
 * A watcher compares each record with the one before. That a lease expired nobody writes down until
 * somebody takes over, so the watcher counts the silence itself, and reads once more before it says
 * so: its own pause must not look like the holder's death.
 *
 * Guarantees: state first, then in order for one name; the last state always arrives; unread news
 * of a claim that came and went are dropped, so memory is bounded by the leases alive.
 */
import { onAbort } from "../abort.ts";
import { Feed } from "../feed.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { FencingToken, Ms } from "../waist/common.ts";
import type { Change, KvStore } from "../waist/kv.ts";
import type { LeaseEvent } from "../waist/leases.ts";
import { readable, shownHolder } from "./observe.ts";
import { FREE, type Holder, type LeaseRecord } from "./record.ts";

/** What to watch, and how. */
export interface LeaseWatch {
  readonly target: string;
  readonly prefix: string;
  readonly runtime: Runtime;
  readonly signals: readonly (AbortSignal | undefined)[];
  readonly requestTimeoutMs: Ms;
}

type Reason = "released" | "expired" | "unknown";

/** A holder that the watcher has told of. */
interface Told {
  readonly holder: Holder;
  /** When this beat was first seen. */
  readonly sinceMs: Ms;
  /** It was silent for too long, and we have said so. */
  readonly ended: boolean;
}

/** Share of the TTL after which an end that could not be confirmed is asked about again. */
const AGAIN = 1 / 6;
const SOONEST_MS = 50;
/** Share of the TTL after which an end that nobody explained is taken for an expiry. */
const ALMOST = 0.98;

/** Events of the leases at or below `watch.target`. */
export function watchLeases(kv: KvStore, watch: LeaseWatch): AsyncIterableIterator<LeaseEvent> {
  return new LeaseWatcher(kv, watch).feed;
}

class LeaseWatcher {
  readonly feed: Feed<LeaseEvent>;
  readonly #kv: KvStore;
  readonly #watch: LeaseWatch;
  readonly #end = new AbortController();
  readonly #unsubscribe: (() => void)[];
  readonly #names = new Map<string, Map<FencingToken, Told>>();
  #timer: Timer | undefined;
  #timerDueMs = Infinity;
  /** The link was down or silent: what happened meanwhile we can only guess. */
  #stale = false;

  constructor(kv: KvStore, watch: LeaseWatch) {
    this.#kv = kv;
    this.#watch = watch;
    this.feed = new Feed<LeaseEvent>({ onEnd: () => this.#stop() });
    this.#unsubscribe = watch.signals.map((signal) =>
      onAbort(signal, () => this.feed.fail(signal?.reason)),
    );
    if (!this.#end.signal.aborted) void this.#read();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#end.abort();
    // The constructor may still be at work when a signal was aborted already.
    queueMicrotask(() => this.#unsubscribe.forEach((off) => off()));
  }

  async #read(): Promise<void> {
    const { prefix, target } = this.#watch;
    try {
      for await (const change of this.#kv.watch(prefix + target, { signal: this.#end.signal })) {
        if (this.#end.signal.aborted) return;
        this.#take(change);
      }
      this.feed.end();
    } catch (error) {
      this.feed.fail(error);
    }
  }

  #take(change: Change): void {
    if (change.kind === "synced") {
      this.#stale = false;
      this.feed.retract("synced");
      this.feed.push("synced", change);
    } else if (change.kind === "stale") {
      this.#stale = true;
      this.feed.retract("synced");
      this.feed.retract("stale");
      this.feed.push("stale", change);
    } else if (change.kind === "delete") {
      this.#compare(change.key, FREE, change.reason === "deleted" ? undefined : "unknown");
    } else {
      const record = readable(change.entry);
      if (record !== undefined) this.#compare(change.entry.key, record, undefined);
    }
  }

  #compare(key: string, record: LeaseRecord, reason: Reason | undefined): void {
    const name = key.slice(this.#watch.prefix.length);
    const nowMs = this.#watch.runtime.time.monotonicMs();
    const told = this.#names.get(name) ?? new Map<FencingToken, Told>();
    const held = new Map<FencingToken, Holder>();
    for (const holder of record.holders.values()) {
      if (holder.confirmed) held.set(holder.token, holder);
    }
    for (const [token, one] of told) {
      if (held.has(token)) continue;
      told.delete(token);
      if (!one.ended) this.#tellEnd(name, one, reason ?? this.#reasonOf(one, record, nowMs));
    }
    for (const [token, holder] of held) {
      const before = told.get(token);
      const sinceMs = nowMs - holder.idleMs;
      if (before?.holder.beat === holder.beat) continue;
      told.set(token, { holder, sinceMs, ended: false });
      if (before === undefined || before.ended) this.#tellGrant(name, holder, sinceMs - nowMs);
      this.#arm(sinceMs + holder.ttlMs);
    }
    if (told.size === 0) this.#names.delete(name);
    else this.#names.set(name, told);
  }

  #reasonOf(one: Told, record: LeaseRecord, nowMs: Ms): Reason {
    if (record.expired.includes(one.holder.token)) return "expired";
    if (this.#stale) return "unknown";
    return nowMs - one.sinceMs < one.holder.ttlMs * ALMOST ? "released" : "expired";
  }

  #tellGrant(name: string, holder: Holder, spentMs: Ms): void {
    this.feed.retract(keyOf("ended", name, holder.token));
    const shown = shownHolder(holder, Math.max(0, holder.ttlMs + spentMs));
    const event = { kind: "granted", name, holder: shown } as const;
    this.feed.push(keyOf("granted", name, holder.token), event);
  }

  #tellEnd(name: string, { holder }: Told, reason: Reason): void {
    const { owner, token: fencingToken } = holder;
    // Whoever has not heard of the grant need not hear of its end.
    if (this.feed.retract(keyOf("granted", name, fencingToken))) return;
    const event = { kind: "ended", name, owner, fencingToken, reason } as const;
    this.feed.push(keyOf("ended", name, fencingToken), event);
  }

  #arm(dueMs: Ms): void {
    if (dueMs >= this.#timerDueMs || this.#end.signal.aborted) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const { time } = this.#watch.runtime;
    const delayMs = Math.max(1, dueMs - time.monotonicMs());
    const onDue = (): void => void this.#bury();
    this.#timer = time.setTimer(delayMs, onDue, { keepAlive: false });
  }

  /** Reads the records of those who have been silent for too long, and tells their end. */
  async #bury(): Promise<void> {
    const nowMs = this.#watch.runtime.time.monotonicMs();
    this.#timerDueMs = Infinity;
    let nextMs = Infinity;
    for (const [name, told] of this.#names) {
      for (const { holder, sinceMs, ended } of told.values()) {
        if (ended) continue;
        const dueMs = sinceMs + holder.ttlMs;
        if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
        else await this.#confirmEnd(name, holder);
      }
    }
    if (nextMs < Infinity) this.#arm(nextMs);
  }

  async #confirmEnd(name: string, holder: Holder): Promise<void> {
    const { prefix, requestTimeoutMs, runtime } = this.#watch;
    try {
      const entry = await this.#kv.get(prefix + name, { timeoutMs: requestTimeoutMs });
      const present = entry && readable(entry)?.holders.get(holder.owner);
      const told = this.#names.get(name)?.get(holder.token);
      if (told === undefined || told.ended || this.#end.signal.aborted) return;
      const same = present?.token === holder.token && present.beat === holder.beat;
      if (!same || told.holder.beat !== holder.beat) {
        // The watch will tell what became of it; look again soon, should it not.
        this.#arm(runtime.time.monotonicMs() + holder.ttlMs);
        return;
      }
      this.#names.get(name)?.set(holder.token, { ...told, ended: true });
      this.#tellEnd(name, told, "expired");
    } catch {
      // Not known: say nothing yet, and ask again soon. A store that flaps must not cost a TTL each
      // time.
      this.#arm(runtime.time.monotonicMs() + Math.max(SOONEST_MS, holder.ttlMs * AGAIN));
    }
  }
}

function keyOf(kind: string, name: string, token: FencingToken): string {
  return `${kind} ${token} ${name}`;
}
