/**
 * A worker: one lease for a whole process, and the instances that it drives.
 *
 * Sagas, TCC and two-phase transactions of one process share a worker, or have one each. Its lease
 * says that all which it drives is being driven; when that ends, others take over.
 *
 * Guarantees: this process drives an instance at most once at a time; after the lease's end by its
 * own clocks it begins nothing more; `close` lets go of what it has not ended, so that another
 * takes it up at once. Does not guarantee: that an effect which was under way stops. Pass on keys
 * and fencing tokens.
 */
import {
  type Backend,
  boundedString,
  inRange,
  invalidArgument,
  knownOptions,
  Lifecycle,
  linkedController,
  type Ms,
  nonNegative,
  positive,
  sleep,
  ttl,
} from "@quorate/core";
import type { Driver, Station } from "./contract.ts";
import { type KernelEvents, kernelEvents } from "./events.ts";
import { LiveWorkers } from "./live-workers.ts";
import { Nudges } from "./nudges.ts";
import { RecordStore } from "./record-store.ts";
import { Recovery } from "./recovery.ts";
import { WorkerStation } from "./station.ts";
import { WorkerLease } from "./worker-lease.ts";

const DEFAULT_LEASE_MS = 10_000;
const DEFAULT_SCAN_MS = 30_000;
const DEFAULT_TAKEOVERS_PER_SECOND = 500;
const DEFAULT_GRACE_MS = 5_000;
/** How long drives that were cut short may take to return, and to let go. */
const LEAVE_MS = 1_000;
const MIN_LEASE_MS = 200;
const MAX_LABEL_BYTES = 256;

/** Options of `createWorker`. */
export interface WorkerOptions {
  /** How long a crashed worker holds up what it drove; renewed at a third. @default 10000 */
  readonly leaseMs?: Ms;
  /** The net under the watch: all records are looked at this often. @default 30000 */
  readonly scanMs?: Ms;
  /** Pace of recovery: takeovers begun per second, 1 to 100000. @default 500 */
  readonly takeoversPerSecond?: number;
  /** Shown to whoever lists the workers' leases, at most 256 bytes. No secrets. @default none */
  readonly label?: string;
}

/** One process's right to drive instances. */
export interface Worker extends AsyncDisposable {
  /** Takes part in a protocol: its orphans are taken up from now on. Once per collection. */
  register<R>(driver: Driver<R>): Station<R>;
  /**
   * Begins nothing more, waits up to `graceMs` for steps in hand, lets go of the rest, gives the
   * lease back. The backend stays open. Twice is fine.
   * @default graceMs 5000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}

/**
 * A worker on `backend`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { createWorker } from "@quorate/transaction";
 * const worker = createWorker(memoryBackend(), { leaseMs: 10_000 });
 * await worker.close();
 */
export function createWorker(backend: Backend, options: WorkerOptions = {}): Worker {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  knownOptions("options", options, ["leaseMs", "scanMs", "takeoversPerSecond", "label"]);
  const { label, takeoversPerSecond = DEFAULT_TAKEOVERS_PER_SECOND } = options;
  return new WorkerEngine(backend, {
    leaseMs: ttl("leaseMs", options.leaseMs ?? DEFAULT_LEASE_MS, MIN_LEASE_MS),
    scanMs: positive("scanMs", options.scanMs ?? DEFAULT_SCAN_MS),
    takeoversPerSecond: inRange("takeoversPerSecond", takeoversPerSecond, 1, 100_000),
    label: label === undefined ? undefined : boundedString("label", label, MAX_LABEL_BYTES),
  });
}

interface CheckedOptions {
  readonly leaseMs: Ms;
  readonly scanMs: Ms;
  readonly takeoversPerSecond: number;
  readonly label: string | undefined;
}

class WorkerEngine implements Worker {
  readonly #backend: Backend;
  readonly #events: KernelEvents;
  readonly #lifecycle: Lifecycle;
  readonly #lease: WorkerLease;
  readonly #live: LiveWorkers;
  readonly #recovery: Recovery;
  readonly #nudges: Nudges;
  readonly #stations = new Map<string, WorkerStation<never>>();
  #upkeep: Promise<unknown> | undefined;

  constructor(backend: Backend, options: CheckedOptions) {
    const { leaseMs, label, scanMs, takeoversPerSecond } = options;
    this.#backend = backend;
    const events = kernelEvents(backend.runtime.events);
    this.#events = events;
    this.#lifecycle = new Lifecycle("the worker", backend.runtime);
    const closing = this.#lifecycle.stopping;
    const isClosing = (): boolean => this.#lifecycle.isClosed;
    const lease = new WorkerLease({ backend, events, leaseMs, label, closing, isClosing });
    const live = new LiveWorkers(backend, events);
    const stations = (): Iterable<WorkerStation<never>> => this.#stations.values();
    const recovery = { backend, events, lease, live, stations, scanMs, takeoversPerSecond };
    this.#lease = lease;
    this.#live = live;
    this.#recovery = new Recovery(recovery);
    this.#nudges = new Nudges(backend, (collection, id) =>
      this.#stations.get(collection)?.heard(id),
    );
    // What was driven under the last lease is anybody's now, ours too.
    lease.onEpoch = () => this.#recovery.kick();
  }

  register<R>(driver: Driver<R>): Station<R> {
    this.#lifecycle.assertOpen();
    const { collection } = driver;
    if (this.#stations.has(collection)) {
      throw invalidArgument("driver.collection", collection, "registered once per worker");
    }
    const { kv, runtime } = this.#backend;
    const events = this.#events;
    const signal = (): AbortSignal | undefined => this.#lease.last?.context.signal;
    const records = new RecordStore<R>({ kv, runtime, events, protocol: driver, signal });
    const host = {
      runtime,
      events,
      isClosing: () => this.#lifecycle.isClosed,
      epoch: () => this.#lease.epoch,
      lastOwner: () => this.#lease.last?.owner,
      take: () => this.#lease.take(),
      assertOpen: () => this.#lifecycle.assertOpen(),
      recover: () => this.#recovery.kick(),
      look: (of: string, id: string) => this.#recovery.look(of, id),
      tell: (of: string, id: string) => this.#nudges.tell(of, id),
    };
    const station = new WorkerStation(host, driver, records);
    this.#stations.set(collection, station as unknown as WorkerStation<never>);
    this.#recovery.kick();
    this.#upkeep ??= this.#keep();
    return station;
  }
  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    if (!this.#lifecycle.isClosed) {
      for (const drive of this.#inFlight()) void this.#lifecycle.track(drive);
    }
    return this.#lifecycle.close(graceMs, async () => {
      this.#lease.cut(this.#lifecycle.closedError());
      await this.#drained();
      await this.#lease.close();
      await this.#upkeep;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inFlight(): Promise<void>[] {
    return [...this.#stations.values()].flatMap((station) => station.inFlight());
  }

  /** What was cut short returns soon; what does not is left to the lease's end. */
  async #drained(): Promise<void> {
    const drives = this.#inFlight();
    if (drives.length === 0) return;
    const patience = linkedController();
    const bound = sleep(this.#backend.runtime, LEAVE_MS, { signal: patience.signal });
    await Promise.race([Promise.all(drives), bound]);
    patience.abort(undefined);
    await bound.catch(() => {});
  }

  /** In the background, for the worker's life; none of these rejects. */
  #keep(): Promise<unknown> {
    const { stopping } = this.#lifecycle;
    return Promise.all([
      this.#lease.keep(),
      this.#live.follow(stopping, () => this.#recovery.kick()),
      this.#recovery.run(stopping),
      this.#nudges.follow(stopping),
    ]);
  }
}
