/**
 * Locks: one holder at a time over many processes, with a token that outlives the lock.
 *
 * `run` is the safe default: it waits in line, renews, tells of a loss, gives back. `acquire` hands
 * the lock to the caller; `tryAcquire` never waits.
 *
 * Guarantees: first come, first served; a crashed holder blocks for at most its TTL; a claim that
 * is given up holds nothing. Does not guarantee: that a holder which was paused stops by itself
 * before it writes. Guard what it writes to (`createGuard`) and it cannot do harm.
 */
import { type Backend, callable, invalidArgument, type Ms, nonNegative } from "@quorate/core";
import { acquireOne, type Prepared, runOne, tryOne } from "./claimable.ts";
import { inspectName, type LockState } from "./inspect.ts";
import { Keeper, type Taken } from "./keeper.ts";
import type { Lock, LockSet } from "./lock.ts";
import {
  checkLockOptions,
  checkLocksOptions,
  type LockOptions,
  type LocksOptions,
} from "./options.ts";
import type { CheckedDefaults, CheckedLockOptions } from "./options.ts";
import { type ReadWriteLock, readWriteOf } from "./read-write.ts";
import { type Semaphore, semaphoreOf, type SemaphoreOptions } from "./semaphore.ts";
import { LockSetHandle, orderOfKeys, takeAll, tryTakeAll } from "./several-keys.ts";
import { target, type Target } from "./target.ts";

const DEFAULT_GRACE_MS = 1_000;

/** Options of a claim that never waits. */
export type TryOptions = Omit<LockOptions, "waitMs">;

/** Locks of one backend. */
export interface Locks extends AsyncDisposable {
  /**
   * Waits in line, runs `work` while the lock lasts, renews it meanwhile, gives it back. Resolves
   * to what `work` returned, and only if the lock was held until then.
   *
   * @throws LOCK_TIMEOUT not free within `waitMs`; the work did not run.
   * @throws SELF_DEADLOCK this flow of calls holds it by an outer `run`; the work did not run.
   * @throws LOCK_LOST lost before the work had ended. Effect `applied` if the work returned, else
   *   `unknown` with the work's error as cause; `workOutcome(error)` has either.
   * @throws OUTCOME_UNKNOWN the store did not answer the claim; the work did not run.
   */
  run<T>(key: string, work: (lock: Lock) => T | PromiseLike<T>, options?: LockOptions): Promise<T>;
  /** As above, for several keys at once: all or none, without deadlock. At most 100. */
  run<T>(
    keys: readonly string[],
    work: (locks: LockSet) => T | PromiseLike<T>,
    options?: LockOptions,
  ): Promise<T>;
  /**
   * Waits in line and hands the lock to the caller, who releases it: best by `await using`.
   * Does not see self-deadlocks of its own making: it has no scope that it could know.
   *
   * @throws as `run`, but for LOCK_LOST, which `signal` and `check()` tell.
   */
  acquire(key: string, options?: LockOptions): Promise<Lock>;
  /** As above, for several keys at once. */
  acquire(keys: readonly string[], options?: LockOptions): Promise<LockSet>;
  /** The lock if it is free now, else `undefined`. Never stands in line. */
  tryAcquire(key: string, options?: TryOptions): Promise<Lock | undefined>;
  /** As above, for several keys at once. */
  tryAcquire(keys: readonly string[], options?: TryOptions): Promise<LockSet | undefined>;
  /** Who holds `key`, who waits. Informative only. */
  inspect(key: string, options?: { readonly signal?: AbortSignal }): Promise<LockState>;
  /** Permits under `name`. */
  semaphore(name: string, options: SemaphoreOptions): Semaphore;
  /** Readers and a writer under `name`. */
  readWrite(name: string): ReadWriteLock;
  /**
   * Refuses new claims, ends waits with CLOSED, gives running work `graceMs` to end, then takes
   * back what is still held and tells its holders by their signals. The backend stays open.
   * @default graceMs 1000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}

/**
 * Locks on `backend`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { createLocks } from "@quorate/lock";
 * import { memoryBackend } from "@quorate/memory";
 * const locks = createLocks(memoryBackend());
 * const sum = await locks.run("invoice/7", (lock) => lock.check() > 0);
 */
export function createLocks(backend: Backend, options: LocksOptions = {}): Locks {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new LocksOfBackend(new Keeper(backend), checkLocksOptions(options));
}

class LocksOfBackend implements Locks {
  readonly #keeper: Keeper;
  readonly #home: { readonly prefix: string | undefined; readonly defaults: CheckedDefaults };

  constructor(keeper: Keeper, home: ReturnType<typeof checkLocksOptions>) {
    this.#keeper = keeper;
    this.#home = home;
  }

  async run<T>(
    key: string | readonly string[],
    // The overloads pair the kinds; here either is called with what its key asked for.
    work: (lock: never) => T | PromiseLike<T>,
    options?: LockOptions,
  ): Promise<T> {
    const body = callable("work", work) as (lock: Lock | LockSet) => T | PromiseLike<T>;
    if (!isSeveral(key)) return runOne(this.#keeper, () => this.#prepare(key, options), body);
    const several = this.#prepareAll(key, options);
    const running = async (): Promise<T> => {
      const taken = await takeAll(this.#keeper, several.targets, several.options);
      return this.#keeper.run(taken, () => body(new LockSetHandle(this.#keeper, taken)));
    };
    return this.#keeper.lifecycle.track(running());
  }

  acquire(key: string, options?: LockOptions): Promise<Lock>;
  acquire(keys: readonly string[], options?: LockOptions): Promise<LockSet>;
  async acquire(key: string | readonly string[], options?: LockOptions): Promise<Lock | LockSet> {
    if (!isSeveral(key)) return acquireOne(this.#keeper, () => this.#prepare(key, options));
    const several = this.#prepareAll(key, options);
    return this.#set(takeAll(this.#keeper, several.targets, several.options));
  }

  tryAcquire(key: string, options?: TryOptions): Promise<Lock | undefined>;
  tryAcquire(keys: readonly string[], options?: TryOptions): Promise<LockSet | undefined>;
  async tryAcquire(
    key: string | readonly string[],
    options?: TryOptions,
  ): Promise<Lock | LockSet | undefined> {
    if (!isSeveral(key)) return tryOne(this.#keeper, () => this.#prepare(key, options));
    const several = this.#prepareAll(key, options);
    return this.#set(tryTakeAll(this.#keeper, several.targets, several.options));
  }

  async inspect(key: string, options?: { readonly signal?: AbortSignal }): Promise<LockState> {
    return inspectName(this.#keeper, target("lock", this.#home.prefix, key), options);
  }

  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return semaphoreOf(this.#keeper, this.#home, name, options);
  }

  readWrite(name: string): ReadWriteLock {
    return readWriteOf(this.#keeper, this.#home, name);
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    return this.#keeper.close(nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #prepare(key: string, options: LockOptions | undefined): Prepared {
    return {
      target: target("lock", this.#home.prefix, key),
      options: checkLockOptions(options, this.#home.defaults),
    };
  }

  #prepareAll(
    keys: readonly string[],
    options: LockOptions | undefined,
  ): { readonly targets: readonly Target[]; readonly options: CheckedLockOptions } {
    const targets = orderOfKeys(keys).map((key) => target("lock", this.#home.prefix, key));
    return { targets, options: checkLockOptions(options, this.#home.defaults) };
  }

  #set(taking: Promise<readonly Taken[]>): Promise<LockSet>;
  #set(taking: Promise<readonly Taken[] | undefined>): Promise<LockSet | undefined>;
  async #set(taking: Promise<readonly Taken[] | undefined>): Promise<LockSet | undefined> {
    const taken = await this.#keeper.lifecycle.track(taking);
    return taken === undefined ? undefined : new LockSetHandle(this.#keeper, taken);
  }
}

function isSeveral(key: string | readonly string[]): key is readonly string[] {
  return Array.isArray(key);
}
