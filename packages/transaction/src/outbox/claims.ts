/**
 * Which partitions this process serves: a fair share, claimed by leases.
 *
 * Each relay holds a lease as a member; with m members of p partitions nobody holds more than
 * ⌈p / m⌉, so all are held and a newcomer finds some let go. Looked at every few seconds: cheap,
 * and a relay that died is followed as soon as its leases have ended.
 *
 * The shares are a matter of load. That a partition has one relay is the lease's doing, and that
 * nothing is lost or out of order where it has two is the relay's.
 */
import { type Backend, type Ms, onAbort, type Timer } from "@quorate/core";
import { createLocks, type Lock, type Locks } from "@quorate/lock";

import { PartitionRelay, problemOf, type RelayDesk } from "./partition-relay.ts";

/** How leases are held. */
export interface ClaimOptions {
  readonly ttlMs: Ms;
  readonly balanceMs: Ms;
}

/** The claims of one relay. */
export class Claims {
  readonly #backend: Backend;
  readonly #desk: RelayDesk;
  readonly #options: ClaimOptions;
  readonly #prefix: string;
  readonly #me: string;
  readonly #locks: Locks;
  readonly #serving = new Map<number, PartitionRelay>();
  readonly #draining = new Map<PartitionRelay, Promise<void>>();
  #member: Lock | undefined;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #isClosing = false;

  constructor(backend: Backend, desk: RelayDesk, options: ClaimOptions) {
    this.#backend = backend;
    this.#desk = desk;
    this.#options = options;
    this.#prefix = `outbox/${desk.source.name}`;
    this.#me = backend.runtime.ids.unique();
    this.#locks = createLocks(backend, { prefix: this.#prefix, ttlMs: options.ttlMs });
  }

  /** Partitions that are served here. */
  get serving(): readonly PartitionRelay[] {
    return [...this.#serving.values()];
  }

  /** Looks now, and again every `balanceMs`. */
  start(): void {
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (this.#isClosing) return;
      // Not in step with others who were started by the same deployment.
      const delayMs = this.#options.balanceMs * (0.75 + this.#backend.runtime.random.next() / 2);
      const again = (): void => this.start();
      this.#timer = this.#backend.runtime.time.setTimer(delayMs, again, { keepAlive: false });
    });
  }

  /** Takes no more, lets work at hand end, gives everything back. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#timer?.cancel();
    await this.#looking;
    for (const relay of this.serving) this.#letGo(relay);
    await Promise.allSettled(this.#draining.values());
    await this.#member?.[Symbol.asyncDispose]();
    await this.#locks.close({ graceMs: 0 });
  }

  /** Ends deliveries at work. */
  cutShort(): void {
    for (const relay of [...this.#serving.values(), ...this.#draining.keys()]) relay.stop();
  }

  async #look(): Promise<void> {
    try {
      if (this.#member === undefined || this.#member.signal.aborted) {
        this.#member = await this.#locks.tryAcquire(`members/${this.#me}`);
      }
      for (const relay of this.serving) if (!relay.isServing) this.#letGo(relay);
      const share = Math.ceil(this.#desk.partitions / Math.max(1, await this.#members()));
      for (const relay of this.serving.slice(share)) this.#letGo(relay);
      await this.#claimUpTo(share);
      await this.#tellLag();
    } catch (error) {
      this.#trouble("claim", error);
    }
  }

  async #members(): Promise<number> {
    let count = 0;
    const { leases } = this.#backend;
    for await (const { holders } of leases.list(`lock/${this.#prefix}/members/`)) {
      if (holders.length > 0) count += 1;
    }
    return count;
  }

  async #claimUpTo(share: number): Promise<void> {
    const { partitions } = this.#desk;
    const first = Math.floor(this.#backend.runtime.random.next() * partitions);
    for (let step = 0; step < partitions && this.#serving.size < share; step++) {
      const partition = (first + step) % partitions;
      if (this.#serving.has(partition) || this.#isClosing) continue;
      const lock = await this.#locks.tryAcquire(`partitions/${partition}`, { label: this.#me });
      if (lock !== undefined) this.#serve(partition, lock);
    }
  }

  #serve(partition: number, lock: Lock): void {
    const relay = new PartitionRelay(this.#desk, partition, lock);
    this.#serving.set(partition, relay);
    onAbort(lock.signal, () => this.#letGo(relay));
    this.#tell("claimed", relay);
  }

  #letGo(relay: PartitionRelay): void {
    if (this.#serving.get(relay.partition) !== relay) return;
    this.#serving.delete(relay.partition);
    const draining = relay
      .drain()
      .then(() => relay.lock[Symbol.asyncDispose]())
      .then(() => this.#tell("released", relay))
      .finally(() => this.#draining.delete(relay));
    this.#draining.set(relay, draining);
  }

  async #tellLag(): Promise<void> {
    const { events, source, runtime } = this.#desk;
    if (!events.lag.hasSubscribers) return;
    for (const relay of this.serving) {
      const { pending, oldestAtMs } = await relay.backlog();
      const lagMs = oldestAtMs === undefined ? 0 : Math.max(0, runtime.time.wallMs() - oldestAtMs);
      events.lag.publish({ outbox: source.name, partition: relay.partition, pending, lagMs });
    }
  }

  #tell(what: "claimed" | "released", { partition, lock }: PartitionRelay): void {
    const channel = this.#desk.events[what];
    if (!channel.hasSubscribers) return;
    const { fencingToken } = lock;
    channel.publish({ outbox: this.#desk.source.name, partition, fencingToken });
  }

  #trouble(doing: "claim", error: unknown): void {
    const { trouble } = this.#desk.events;
    if (!trouble.hasSubscribers) return;
    trouble.publish({ outbox: this.#desk.source.name, doing, problem: problemOf(error) });
  }
}
