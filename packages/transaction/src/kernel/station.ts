/**
 * One protocol at one worker: its records, what is being driven, and taking over.
 *
 * An instance is driven at most once per process. It counts as driven from before it is created, so
 * that a scan which sees the new record does not take it for a forgotten one.
 */
import { isQuorateError, KeyedBag, type Ms, type Runtime, sleep } from "@quorate/core";
import type { Created, Driver, Held, Ownership, SaveOptions, Station, Stored } from "./contract.ts";
import { type KernelEvents, publishTrouble } from "./events.ts";
import type { RecordStore } from "./record-store.ts";
import type { Epoch } from "./worker-lease.ts";

/** A drive that failed is taken up again after this. */
const AGAIN_MS: Ms = 1_000;

/** What a station needs of its worker. */
export interface StationHost {
  readonly runtime: Runtime;
  readonly events: KernelEvents;
  readonly isClosing: () => boolean;
  readonly epoch: () => Epoch | undefined;
  /** The owner of the present lease, or of the last one. */
  readonly lastOwner: () => string | undefined;
  readonly take: () => Promise<Epoch>;
  readonly assertOpen: () => void;
  /** Looks for orphans soon. */
  readonly recover: () => void;
  /** Looks at one instance soon. */
  readonly look: (collection: string, id: string) => void;
  /** Tells other workers of an instance. */
  readonly tell: (collection: string, id: string) => void;
}

/** The worker's side of a protocol. */
export class WorkerStation<R> implements Station<R> {
  readonly driver: Driver<R>;
  readonly records: RecordStore<R>;
  readonly #host: StationHost;
  readonly #driving = new KeyedBag<Promise<void> | undefined>();

  constructor(host: StationHost, driver: Driver<R>, records: RecordStore<R>) {
    this.#host = host;
    this.driver = driver;
    this.records = records;
  }

  /** How many instances are being driven. */
  get size(): number {
    return this.#driving.size;
  }

  /** Whether this process drives `id`. */
  drives(id: string): boolean {
    return this.#driving.has(id);
  }

  /** What is being driven, to be waited for. */
  inFlight(): Promise<void>[] {
    return this.#driving.all().filter((one) => one !== undefined);
  }

  ownership(): Ownership | Promise<Ownership> {
    this.#host.assertOpen();
    const epoch = this.#host.epoch();
    if (epoch === undefined) return this.#host.take().then(ownershipOf);
    return epoch.isStarved() ? this.#afterTurn() : ownershipOf(epoch);
  }

  /**
   * Callers that start one instance after the other on a store in memory never leave the event loop
   * a turn: without one the lease is not renewed, and all that is driven is lost.
   */
  async #afterTurn(): Promise<Ownership> {
    await sleep(this.#host.runtime, 0);
    return ownershipOf(this.#host.epoch() ?? (await this.#host.take()));
  }

  async create(id: string, record: R): Promise<Created<R>> {
    this.#host.assertOpen();
    const isOurs = this.driver.ownershipOf(record).owner !== "" && !this.#driving.has(id);
    if (isOurs) this.#driving.set(id, undefined);
    try {
      const created = await this.records.create(id, record);
      if (!created.created && isOurs) this.#driving.delete(id);
      return created;
    } catch (error) {
      if (isOurs) this.#driving.delete(id);
      throw error;
    }
  }

  drive(held: Held<R>): Promise<void> {
    const { id } = held;
    const running = this.#driving.get(id);
    if (running !== undefined) return running;
    const epoch = this.#host.epoch();
    if (epoch === undefined) {
      // The lease that owns it is lost: it is an orphan.
      this.#driving.delete(id);
      this.#host.recover();
      return Promise.resolve();
    }
    const drive = this.driver.drive(held, epoch.context).then(
      () => this.#ended(held),
      (error: unknown) => this.#failed(held, error),
    );
    this.#driving.set(id, drive);
    return drive;
  }

  nudge(id: string): void {
    this.heard(id);
    this.#host.tell(this.driver.collection, id);
  }

  /** Somebody says that `id` was written. */
  heard(id: string): void {
    if (this.#driving.has(id)) this.driver.nudged?.(id);
    else this.#host.look(this.driver.collection, id);
  }

  recover(): void {
    this.#host.recover();
  }

  /** Takes `stored` over, and drives it. False: somebody else was faster, or it has ended. */
  async adopt(stored: Stored<R>, epoch: Epoch): Promise<boolean> {
    const { driver } = this;
    const { id, record } = stored;
    if (this.#driving.has(id) || !driver.isOpen(record) || !driver.canDrive(record, id))
      return false;
    this.#driving.set(id, undefined);
    let held: Held<R> | undefined;
    try {
      const next = driver.withOwnership(record, takenFrom(driver.ownershipOf(record), epoch));
      const { signal } = epoch.context;
      held = await this.records.replace(stored, next, { signal });
    } finally {
      if (held === undefined) this.#driving.delete(id);
    }
    this.#tell(stored, epoch, held !== undefined);
    if (held === undefined) return false;
    void this.drive(held);
    return true;
  }

  /** What is stored under `id`. @throws RECORD_INVALID */
  read(id: string): Promise<Stored<R> | undefined> {
    return this.records.read(id);
  }

  save(held: Held<R>, next: R, options?: SaveOptions): Promise<void> {
    return this.records.save(held, next, options);
  }

  apply(held: Held<R>, change: (record: R) => R, options?: SaveOptions): Promise<void> {
    return this.records.apply(held, change, options);
  }

  replace(
    stored: Stored<R>,
    next: R,
    options?: SaveOptions & { readonly signal?: AbortSignal | undefined },
  ): Promise<Held<R> | undefined> {
    return this.records.replace(stored, next, options);
  }

  list(options?: { readonly signal?: AbortSignal }): AsyncIterable<Stored<R>> {
    return this.records.list(options);
  }

  watch(
    id: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<Stored<R> | undefined> {
    return this.records.watch(id, options);
  }

  /** A worker that closes gives up what it has not ended, for another to take at once. */
  #ended(held: Held<R>): Promise<void> | undefined {
    const { driver } = this;
    if (!this.#host.isClosing() || !driver.isOpen(held.record)) {
      this.#driving.delete(held.id);
      // It lost its lease on the way: a scan that came before this line took it for driven.
      const { owner } = driver.ownershipOf(held.record);
      const isLost = driver.isOpen(held.record) && this.#host.epoch()?.owner !== owner;
      if (isLost) this.#host.look(driver.collection, held.id);
      return undefined;
    }
    const { owner, fence, takeovers } = driver.ownershipOf(held.record);
    const next = driver.withOwnership(held.record, { owner: "", fence, takeovers });
    const isOurs = owner === this.#host.lastOwner();
    const given = isOurs ? this.records.replace(held, next) : Promise.resolve(undefined);
    const subject = { collection: driver.collection, id: held.id, doing: "let-go" } as const;
    return given.then(
      (free) => {
        this.#driving.delete(held.id);
        if (free !== undefined) this.#host.tell(driver.collection, held.id);
      },
      (error: unknown) => {
        this.#driving.delete(held.id);
        publishTrouble(this.#host.events, subject, error);
      },
    );
  }

  #failed(held: Held<R>, error: unknown): Promise<void> | undefined {
    const { collection } = this.driver;
    publishTrouble(this.#host.events, { collection, id: held.id, doing: "drive" }, error);
    if (!isQuorateError(error, "OVERTAKEN")) {
      const { time } = this.#host.runtime;
      time.setTimer(AGAIN_MS, () => this.#host.recover(), { keepAlive: false });
    }
    return this.#ended(held);
  }

  #tell(stored: Stored<R>, epoch: Epoch, won: boolean): void {
    const { takeover } = this.#host.events;
    if (!takeover.hasSubscribers) return;
    const { collection } = this.driver;
    const { owner: from, takeovers } = this.driver.ownershipOf(stored.record);
    const { owner, fencingToken } = epoch;
    takeover.publish({ collection, id: stored.id, from, owner, fencingToken, takeovers, won });
  }
}

function ownershipOf(epoch: Epoch): Ownership {
  return { owner: epoch.owner, fence: epoch.fencingToken, takeovers: 0 };
}

/** Tokens of two workers' leases have no order of their own: the record gives them one. */
function takenFrom(before: Ownership, epoch: Epoch): Ownership {
  const { owner, fencingToken } = epoch;
  const fence = Math.max(before.fence + 1, fencingToken);
  // Let go in good order is no sign of poison.
  const takeovers = before.owner === "" ? before.takeovers : before.takeovers + 1;
  return { owner, fence, takeovers };
}
