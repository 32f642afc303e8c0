/**
 * A semaphore whose permits come back by themselves when their holder dies.
 *
 * A permit is a lease of some weight out of `permits`: it is renewed, can be lost, and has a token
 * of its own. The line is served in order, so a claim of great weight is not starved by small ones.
 *
 * Guarantees: by the store's clock, never more than `permits` are out. Does not guarantee: that
 * two processes which name different `permits` agree; each claim is judged by its own.
 */
import { invalidArgument, positiveInteger } from "@quorate/core";
import { acquireOne, runOne, tryOne, type Prepared } from "./claimable.ts";
import { inspectName, type LockState } from "./inspect.ts";
import type { Keeper } from "./keeper.ts";
import type { Lock } from "./lock.ts";
import { type CheckedDefaults, checkLockOptions, type LockOptions } from "./options.ts";
import { target } from "./target.ts";

/** Options of `semaphore`. */
export interface SemaphoreOptions {
  /** How many there are. Every process must name the same number. */
  readonly permits: number;
}

/** Options of one claim of permits. */
export interface PermitOptions extends LockOptions {
  /** How many to take, all or none. @default 1 */
  readonly weight?: number;
}

/** Permits of one name. Errors as `Locks`. */
export interface Semaphore {
  readonly name: string;
  readonly permits: number;
  /** Waits in line, runs `work` while the permit lasts, gives back. See `Locks.run`. */
  run<T>(work: (permit: Lock) => T | PromiseLike<T>, options?: PermitOptions): Promise<T>;
  /** Waits in line; the caller gives back. See `Locks.acquire`. */
  acquire(options?: PermitOptions): Promise<Lock>;
  /** A permit if there are enough now. Never waits. */
  tryAcquire(options?: Omit<PermitOptions, "waitMs">): Promise<Lock | undefined>;
  /** Who holds how much, who waits. */
  inspect(options?: { readonly signal?: AbortSignal }): Promise<LockState>;
}

/** The semaphore `name` of `keeper`. */
export function semaphoreOf(
  keeper: Keeper,
  home: { readonly prefix: string | undefined; readonly defaults: CheckedDefaults },
  name: string,
  options: SemaphoreOptions,
): Semaphore {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", options, "an object with permits");
  }
  const permits = positiveInteger("permits", options.permits);
  const whole = target("semaphore", home.prefix, name, { weight: permits, capacity: permits });
  const prepare = (claim: PermitOptions = {}): Prepared => {
    const checked = checkLockOptions(claim, home.defaults, ["weight"]);
    const weight = positiveInteger("weight", claim.weight ?? 1);
    if (weight > permits) {
      throw invalidArgument("weight", weight, `at most the semaphore's permits, ${permits}`);
    }
    return { target: { ...whole, weight }, options: checked };
  };
  return {
    name,
    permits,
    run: (work, claim) => runOne(keeper, () => prepare(claim), work),
    acquire: (claim) => acquireOne(keeper, () => prepare(claim)),
    tryAcquire: (claim) => tryOne(keeper, () => prepare(claim)),
    inspect: (call) => inspectName(keeper, whole, call),
  };
}
