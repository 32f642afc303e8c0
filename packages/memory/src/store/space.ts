/**
 * One namespace of a store: its keys, leases and subscriptions, with their upkeep.
 *
 * The shell around the pure tables: it reads the clock once per step, lets what fell due happen
 * first, tells watchers in the order of the changes, and sets one timer for what falls due next.
 * A step is atomic because JavaScript is: nothing else runs between its first line and its last.
 */
import { isPrefix, matchesTarget, type Runtime, type Timer } from "@quorate/core";
import { BusHub } from "./bus-hub.ts";
import type { Journal } from "./journal.ts";
import {
  changeOf,
  type KvAnswer,
  type KvChange,
  type KvRecord,
  KvTable,
  type KvWrite,
} from "./kv-table.ts";
import type { Holder, LeaseAnswer, LeaseInput, LeaseLine } from "./lease-line.ts";
import { LeaseTable, type NamedEffect } from "./lease-table.ts";
import type { Now, StoreClock } from "./now.ts";
import { Topic } from "./topic.ts";

/** Where a subscription's messages go. */
export interface BusPort {
  deliver(message: BusEnvelope): void;
}

/** A message on its way. Its parts are never written into. */
export interface BusEnvelope {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Present on requests: takes one answer; later ones are dropped. */
  readonly reply: ((answer: Omit<BusEnvelope, "reply" | "subject">) => void) | undefined;
}

/** How a process hears about its waiters. */
export interface Doorbell {
  /** A waiter was granted, and should confirm soon. */
  granted(name: string, holder: Holder): void;
  /** The lines are gone: whoever still waits must ask again. */
  forgotten(): void;
}

/** What a space needs of its store. */
export interface SpaceHost {
  readonly runtime: Runtime;
  readonly clock: StoreClock;
  /** False while the server stands still or is down: nothing falls due then. */
  readonly isRunning: boolean;
  /** False while nobody is connected: what falls due then is done when somebody is. */
  readonly isAttended: boolean;
  /** Present where the last moments may have to be forgotten. */
  readonly journal: Journal | undefined;
}

/** One namespace. */
export class Space {
  readonly kvWatches: Topic<KvChange> = new Topic();
  readonly leaseWatches: Topic<NamedEffect> = new Topic();
  readonly bus: BusHub<BusPort> = new BusHub();
  readonly #host: SpaceHost;
  readonly #kv: KvTable;
  readonly #leases: LeaseTable;
  readonly #doorbells = new Map<string, Doorbell>();
  #upkeep: { readonly timer: Timer; readonly dueMs: number } | undefined;

  constructor(host: SpaceHost) {
    this.#host = host;
    this.#kv = new KvTable(host.journal);
    this.#leases = new LeaseTable(host.journal);
  }

  /** Living keys, names remembered, and subscriptions of every kind: for leak checks. */
  get sizes(): { keys: number; leases: number; subscriptions: number } {
    const subscriptions = this.kvWatches.size + this.leaseWatches.size + this.bus.size;
    return { keys: this.#kv.size, leases: this.#leases.size, subscriptions };
  }

  /** What concerns the waiters of `process` rings `bell` from now on. Returns the way out. */
  ring(process: string, bell: Doorbell): () => void {
    this.#doorbells.set(process, bell);
    return () => {
      if (this.#doorbells.get(process) === bell) this.#doorbells.delete(process);
    };
  }

  /** A process is gone for good: its waiters leave every line. */
  processGone(process: string): void {
    this.#step((now) => this.#tellLeases(this.#leases.processGone(process, now)));
  }

  get(key: string): { readonly record: KvRecord | undefined; readonly nowMs: number } {
    const now = this.#begin();
    const record = this.#kv.get(key);
    this.#armUpkeep(now);
    return { record, nowMs: now.ms };
  }

  write(write: KvWrite): { readonly answer: KvAnswer; readonly nowMs: number } {
    // As `step`, without a closure: this is the path of every write.
    const now = this.#begin();
    const answer = this.#kv.write(write, now);
    if (this.kvWatches.isWatched) {
      const change = changeOf(write, answer);
      if (change !== undefined) this.#tellKv(change);
    }
    this.#armUpkeep(now);
    return { answer, nowMs: now.ms };
  }

  /** The first living records of a collection that come after `after`. */
  page(
    collection: string,
    after: string | undefined,
    size: number,
  ): { readonly records: KvRecord[]; readonly nowMs: number } {
    return this.#step((now) => {
      return { records: this.#kv.page(collection, after, size), nowMs: now.ms };
    });
  }

  /** Living records that a target takes, in no order. */
  records(target: string): { readonly records: KvRecord[]; readonly nowMs: number } {
    return this.#step((now) => {
      const single = this.#kv.get(target);
      const all = isPrefix(target) ? [...this.#kv.records()] : single === undefined ? [] : [single];
      return { records: all.filter(({ key }) => matchesTarget(target, key)), nowMs: now.ms };
    });
  }

  lease(name: string, input: LeaseInput): { answer: LeaseAnswer; line: LeaseLine; nowMs: number } {
    return this.#step((now) => {
      const { answer, effects } = this.#leases.step(name, input, now);
      this.#tellLeases(effects);
      return { answer, line: this.#leases.line(name), nowMs: now.ms };
    });
  }

  /** Names held or waited for that a target takes, with their lines, in no order. */
  lines(target: string): {
    readonly lines: readonly (readonly [string, LeaseLine])[];
    readonly nowMs: number;
  } {
    return this.#step((now) => {
      const names = [...this.#leases.names()].filter((name) => matchesTarget(target, name));
      return { lines: names.map((name) => [name, this.#leases.line(name)]), nowMs: now.ms };
    });
  }

  /** FLUSHALL: keys, leases and lines are gone; watches and waiters are told. */
  forget(): void {
    this.#step(() => {
      for (const change of this.#kv.clear()) this.#tellKv(change);
      this.#tellLeases(this.#leases.clear());
      for (const bell of this.#doorbells.values()) bell.forgotten();
    });
  }

  /** Lets what fell due happen: after the server stood still, or its clock was set. */
  catchUp(): void {
    this.rest();
    this.#step(() => undefined);
  }

  /** Sets no alarm until the next step: a timer would keep alive a store that all have left. */
  rest(): void {
    this.#upkeep?.timer.cancel();
    this.#upkeep = undefined;
  }

  #step<T>(action: (now: Now) => T): T {
    const now = this.#begin();
    const result = action(now);
    this.#armUpkeep(now);
    return result;
  }

  /** The step's instant; what fell due by then is gone. */
  #begin(): Now {
    const now = this.#host.clock.now();
    if (this.#nextDueMs() > now.ms) return now;
    for (const change of this.#kv.expire(now)) this.#tellKv(change);
    this.#tellLeases(this.#leases.tick(now));
    return now;
  }

  #nextDueMs(): number {
    return Math.min(this.#kv.nextDueMs() ?? Infinity, this.#leases.nextDueMs() ?? Infinity);
  }

  #tellKv(change: KvChange): void {
    this.kvWatches.tell(change.kind === "put" ? change.record.key : change.key, change);
  }

  #tellLeases(effects: readonly NamedEffect[]): void {
    for (const effect of effects) {
      this.leaseWatches.tell(effect.name, effect);
      if (effect.kind === "granted" && effect.holder.provisional) {
        this.#doorbells.get(effect.holder.process)?.granted(effect.name, effect.holder);
      }
    }
  }

  /** One timer, for the earliest; it is moved only when something earlier turns up. */
  #armUpkeep(now: Now): void {
    if (!this.#host.isAttended) return;
    const dueMs = this.#nextDueMs();
    if (dueMs === Infinity || (this.#upkeep !== undefined && this.#upkeep.dueMs <= dueMs)) return;
    this.#upkeep?.timer.cancel();
    const onDue = (): void => {
      this.#upkeep = undefined;
      if (this.#host.isRunning) this.#step(() => undefined);
    };
    const options = { keepAlive: false };
    const timer = this.#host.runtime.time.setTimer(dueMs - now.ms, onDue, options);
    this.#upkeep = { timer, dueMs };
  }
}
