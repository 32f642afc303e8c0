/**
 * A read-write lock: many readers or one writer.
 *
 * Readers weigh 1, a writer weighs all there is, and both stand in the one line of the store. That
 * makes it phase-fair without more ado: readers next to each other go in together, a writer in
 * line keeps later readers behind it, and is served when those before it are done.
 *
 * Readers carry tokens too, greater than that of every writer before them. Do not raise a guard's
 * floor with them (`guard.open` refuses): a second reader, just as rightful, would be shut out.
 * There is no upgrade: a reader that waits to write waits for itself (SELF_DEADLOCK).
 */
import { acquireOne, runOne, tryOne, type Prepared } from "./claimable.ts";
import { inspectName, type LockState } from "./inspect.ts";
import type { Keeper } from "./keeper.ts";
import type { Lock } from "./lock.ts";
import { type CheckedDefaults, checkLockOptions, type LockOptions } from "./options.ts";
import { target, type Target } from "./target.ts";

/** Readers at one time, and the weight of a writer. Part of the protocol: never change it. */
const CAPACITY = 1_000_000;

/** One side of a read-write lock. Errors as `Locks`. */
export interface LockSide {
  /** Waits in line, runs `work` while the lock lasts, gives back. See `Locks.run`. */
  run<T>(work: (lock: Lock) => T | PromiseLike<T>, options?: LockOptions): Promise<T>;
  /** Waits in line; the caller gives back. See `Locks.acquire`. */
  acquire(options?: LockOptions): Promise<Lock>;
  /** The lock if it is free now. Never waits. */
  tryAcquire(options?: Omit<LockOptions, "waitMs">): Promise<Lock | undefined>;
}

/** Both sides of one name. */
export interface ReadWriteLock {
  readonly name: string;
  readonly read: LockSide;
  readonly write: LockSide;
  /** Who holds (a writer has the whole weight), who waits. */
  inspect(options?: { readonly signal?: AbortSignal }): Promise<LockState>;
}

/** The read-write lock `name` of `keeper`. */
export function readWriteOf(
  keeper: Keeper,
  home: { readonly prefix: string | undefined; readonly defaults: CheckedDefaults },
  name: string,
): ReadWriteLock {
  const share = (weight: number): { weight: number; capacity: number } => ({
    weight,
    capacity: CAPACITY,
  });
  const reader = target("read", home.prefix, name, share(1));
  const writer = target("write", home.prefix, name, share(CAPACITY));
  return {
    name,
    read: sideOf(keeper, home.defaults, reader),
    write: sideOf(keeper, home.defaults, writer),
    inspect: (call) => inspectName(keeper, reader, call),
  };
}

function sideOf(keeper: Keeper, defaults: CheckedDefaults, claimed: Target): LockSide {
  const prepare = (options?: LockOptions): Prepared => ({
    target: claimed,
    options: checkLockOptions(options, defaults),
  });
  return {
    run: (work, options) => runOne(keeper, () => prepare(options), work),
    acquire: (options) => acquireOne(keeper, () => prepare(options)),
    tryAcquire: (options) => tryOne(keeper, () => prepare(options)),
  };
}
