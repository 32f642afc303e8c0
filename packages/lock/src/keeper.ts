/**
 * The keeper of all leases of one `Locks`: claims, holds, renews, gives back, closes.
 *
 * Mutex, semaphore and read-write lock are thin names over it: they differ in the target alone.
 */
import {
  type Backend,
  type Grant,
  isQuorateError,
  leaseLeftMs,
  type LeaseState,
  Lifecycle,
  type LossReason,
  type Ms,
  type Runtime,
  type Time,
} from "@quorate/core";
import { claim, type Claimed } from "./claim.ts";
import { heldHere } from "./deadlock-context.ts";
import { type LockEvents, lockEvents, type LockRefused } from "./events.ts";
import { Floors } from "./floors.ts";
import { giveBack } from "./give-back.ts";
import { type GivenBack, HeldLease, type LeaseKeeper } from "./held-lease.ts";
import { selfDeadlockError, timeoutError, tokenBehindError } from "./lock-errors.ts";
import type { CheckedLockOptions } from "./options.ts";
import { RenewalWheel } from "./renewal-wheel.ts";
import { runUnder } from "./run-under.ts";
import type { Target } from "./target.ts";
import { waitSignal } from "./wait-signal.ts";

/** A lease for a caller; `nested`: it is the one that an outer `run` of this flow holds. */
export interface Taken {
  readonly lease: HeldLease;
  readonly nested: boolean;
}

/** Keeps leases. */
export class Keeper implements LeaseKeeper {
  readonly runtime: Runtime;
  readonly lifecycle: Lifecycle;
  readonly #backend: Backend;
  readonly #events: LockEvents;
  readonly #wheel: RenewalWheel;
  readonly #floors = new Floors();
  readonly #held = new Map<string, HeldLease>();

  constructor(backend: Backend) {
    this.#backend = backend;
    this.runtime = backend.runtime;
    this.lifecycle = new Lifecycle("the locks", backend.runtime);
    this.#events = lockEvents(backend.runtime.events);
    this.#wheel = new RenewalWheel(backend.leases, backend.runtime, this.#events);
  }

  get time(): Time {
    return this.runtime.time;
  }

  /** Claims `target` within `waitMs`. @throws LOCK_TIMEOUT, SELF_DEADLOCK, or the store's error. */
  async take(target: Target, options: CheckedLockOptions, waitMs: Ms): Promise<Taken> {
    const above = this.#floors.above(target.name, options.aboveToken);
    const claimed = await this.#claim(target, { ...options, waitMs, aboveToken: above }, true);
    if ("lease" in claimed) return claimed;
    if (claimed.kind === "behind") {
      throw tokenBehindError(target.key, waitMs, claimed.fencingToken, above ?? 0);
    }
    const ours = claimed.holders.filter(({ owner }) => this.#held.has(owner)).length;
    throw timeoutError(target.key, waitMs, claimed.holders, ours);
  }

  /** Claims `target` if it is free; never waits. */
  async tryTake(target: Target, options: CheckedLockOptions): Promise<Taken | undefined> {
    const claimed = await this.#claim(target, { ...options, waitMs: 0 }, false);
    return "lease" in claimed ? claimed : undefined;
  }

  /** Runs `work` under what was taken, and gives back what is not nested. */
  run<T>(taken: readonly Taken[], work: () => T | PromiseLike<T>): Promise<T> {
    const leases = taken.map(({ lease }) => lease);
    const ours = taken.flatMap(({ lease, nested }) => (nested ? [] : [lease]));
    const place = { store: this.#backend.leases, runtime: this.runtime, floors: this.#floors };
    return runUnder(place, leases, ours, work);
  }

  /** What the store knows of `target`. */
  async inspect(target: Target, signal: AbortSignal | undefined): Promise<LeaseState> {
    this.lifecycle.assertOpen();
    return this.#backend.leases.inspect(target.name, { signal });
  }

  /** Renews `lease` now. */
  readonly renewNow = (lease: HeldLease): Promise<void> => this.#wheel.renewNow(lease);

  async giveBack(lease: HeldLease): Promise<GivenBack> {
    const left = (): Ms => leaseLeftMs(this.time, lease.window);
    const desk = { leases: this.#backend.leases, runtime: this.runtime };
    const back = await giveBack(desk, lease.grant, left);
    if (this.#events.released.hasSubscribers) {
      const { kind, key } = lease.target;
      const { fencingToken } = lease.grant;
      this.#events.released.publish({ kind, key, fencingToken, answer: back.answer });
    }
    return back;
  }

  dropped(lease: HeldLease, end: LossReason | "released"): void {
    this.#wheel.remove(lease);
    this.#held.delete(lease.grant.owner);
    if (end === "released" || !this.#events.lost.hasSubscribers) return;
    const { kind, key } = lease.target;
    const { fencingToken } = lease.grant;
    this.#events.lost.publish({ kind, key, fencingToken, reason: end });
  }

  /** Ends waits, lets work end for `graceMs`, then takes back what is still held. */
  close(graceMs: Ms): Promise<void> {
    return this.lifecycle.close(graceMs, async () => {
      const ours = [...this.#held.values()].filter((lease) => !lease.lapses);
      const backs = ours.map((lease) => lease.release(true));
      await Promise.allSettled(backs);
    });
  }

  async #claim(
    target: Target,
    options: CheckedLockOptions,
    waits: boolean,
  ): Promise<Taken | Exclude<Claimed, { kind: "granted" }>> {
    this.lifecycle.assertOpen();
    const above = heldHere(this.#backend.leases, target.name);
    const [outer] = above;
    if (outer !== undefined && options.reentrant && target.capacity === 1) {
      return { lease: outer, nested: true };
    }
    const heldWeight = above.reduce((sum, lease) => sum + lease.target.weight, 0);
    if (waits && above.length > 0 && heldWeight + target.weight > target.capacity) {
      throw selfDeadlockError(target.key);
    }
    // A second share from within: behind a waiter who waits for the first it would wait for ever.
    const fair = options.fair && above.length === 0;
    return this.#ask(target, { ...options, fair });
  }

  async #ask(
    target: Target,
    options: CheckedLockOptions,
  ): Promise<Taken | Exclude<Claimed, { kind: "granted" }>> {
    const { waitMs } = options;
    const { kind, key } = target;
    const startedMs = this.time.monotonicMs();
    if (waitMs > 0 && this.#events.waiting.hasSubscribers) {
      this.#events.waiting.publish({ kind, key, waitMs });
    }
    const wait = waitSignal(this.lifecycle.stopping, options.signal);
    try {
      const desk = {
        leases: this.#backend.leases,
        runtime: this.runtime,
        returnGrant: (grant: Pick<Grant, "name" | "owner">) => this.#return(grant, options.ttlMs),
      };
      // Field by field: fields added after a spread cost microseconds on Node 20.
      const { ttlMs, fair, label, aboveToken } = options;
      const { signal } = wait;
      const wanted = { target, ttlMs, waitMs, fair, label, aboveToken, signal };
      const claimed = await claim(desk, wanted);
      if (claimed.kind !== "granted") {
        this.#refused(target, claimed.kind === "refused" ? "held" : "behind", startedMs);
        return claimed;
      }
      return { lease: this.#hold(target, options, claimed.grant, startedMs), nested: false };
    } catch (error) {
      const code = isQuorateError(error) ? error.code : "UNKNOWN";
      this.#refused(target, wait.signal.aborted ? "aborted" : code, startedMs);
      throw error;
    } finally {
      wait.detach();
    }
  }

  #refused({ kind, key }: Target, why: LockRefused["why"], startedMs: Ms): void {
    if (!this.#events.refused.hasSubscribers) return;
    const waitedMs = this.time.monotonicMs() - startedMs;
    this.#events.refused.publish({ kind, key, waitedMs, why });
  }

  #hold(target: Target, options: CheckedLockOptions, grant: Grant, startedMs: Ms): HeldLease {
    const safety = this.#backend.capabilities.leaseSafety;
    const lease = new HeldLease(this, { target, grant, safety }, options);
    this.#held.set(grant.owner, lease);
    this.#floors.passed(target.name);
    this.#wheel.add(lease);
    if (this.#events.granted.hasSubscribers) {
      const waitedMs = this.time.monotonicMs() - startedMs;
      const { kind, key } = target;
      const { fencingToken, ttlMs } = grant;
      this.#events.granted.publish({ kind, key, fencingToken, ttlMs, waitedMs });
    }
    return lease;
  }

  /** In the background, for at most a TTL: by then it has ended by itself. */
  #return(grant: Pick<Grant, "name" | "owner"> & Partial<Grant>, ttlMs: Ms): void {
    const endsMs = this.time.monotonicMs() + ttlMs;
    const left = (): Ms => endsMs - this.time.monotonicMs();
    const desk = { leases: this.#backend.leases, runtime: this.runtime };
    this.lifecycle.track(giveBack(desk, grant, left)).catch(() => {});
  }
}
