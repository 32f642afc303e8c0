/**
 * `@Locked`: the method runs under a lock, one call at a time in the whole fleet.
 */
import { callable } from "@quorate/core";
import type { LockOptions } from "quorate/lock";
import { locks } from "./current.ts";
import { type AsyncMethodDecorator, wrapMethod } from "./wrap-method.ts";

/**
 * Runs the method while it holds the lock of `key`: a name, or a function of the arguments. Calls
 * wait in line; with `waitMs: 0` they fail at once. Inside, `currentLock()` is the lock: hand its
 * `fencingToken` to what you write to, and its `signal` to what may take long.
 *
 * A call rejects as `Locks.run` does: LOCK_TIMEOUT, it did not run; LOCK_LOST, the lock was lost
 * before the method had ended.
 *
 * @throws INVALID_ARGUMENT when it decorates what is no method.
 *
 * @example
 * class Orders {@Locked((id: string) => `order/${id}`, { waitMs: 5_000 })
 *   async ship(id: string): Promise<number> {
 *     return currentLock().fencingToken;
 *   }
 * }
 */
export function Locked<A extends readonly unknown[] = []>(
  key: string | ((...args: A) => string),
  options: Omit<LockOptions, "signal"> = {},
): AsyncMethodDecorator<A> {
  const keyOf = typeof key === "string" ? () => key : callable("key", key);
  return wrapMethod("Locked", async ({ host, args, run }) =>
    host.q.lock.run(keyOf(...(args as unknown as A)), (lock) => locks.run(lock, run), options),
  );
}
