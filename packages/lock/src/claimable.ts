/**
 * One thing that can be run under, acquired and tried: what all kinds of lock have in common.
 */
import { callable } from "@quorate/core";
import type { Keeper, Taken } from "./keeper.ts";
import { LockHandle } from "./lock-handle.ts";
import type { Lock } from "./lock.ts";
import type { CheckedLockOptions } from "./options.ts";
import type { Target } from "./target.ts";

/** A claim, checked and ready. */
export interface Prepared {
  readonly target: Target;
  readonly options: CheckedLockOptions;
}

/** The handle of what was taken. */
export function handleOf(keeper: Keeper, { lease, nested }: Taken): LockHandle {
  return new LockHandle(lease, keeper.renewNow, nested);
}

/** Claims, runs `work`, gives back. */
export async function runOne<T>(
  keeper: Keeper,
  prepare: () => Prepared,
  work: (lock: Lock) => T | PromiseLike<T>,
): Promise<T> {
  callable("work", work);
  const { target, options } = prepare();
  const running = async (): Promise<T> => {
    const taken = await keeper.take(target, options, options.waitMs);
    return keeper.run([taken], () => work(handleOf(keeper, taken)));
  };
  return keeper.lifecycle.track(running());
}

/** Claims and hands over to the caller, who gives back. */
export async function acquireOne(keeper: Keeper, prepare: () => Prepared): Promise<Lock> {
  const { target, options } = prepare();
  const taking = keeper.take(target, options, options.waitMs);
  return handleOf(keeper, await keeper.lifecycle.track(taking));
}

/** Claims if free. */
export async function tryOne(keeper: Keeper, prepare: () => Prepared): Promise<Lock | undefined> {
  const { target, options } = prepare();
  const taken = await keeper.lifecycle.track(keeper.tryTake(target, options));
  return taken === undefined ? undefined : handleOf(keeper, taken);
}
