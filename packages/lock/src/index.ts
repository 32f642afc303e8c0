/**
 * `@quorate/lock`: locks that fence, semaphores, read-write locks, and the guard.
 */
export type {
  LockGranted,
  LockLost,
  LockRefused,
  LockReleased,
  LockSubject,
  LockWaiting,
  RenewalFailed,
} from "./events.ts";
export type { FenceCall } from "./fence-store.ts";
export type { Fenced, TokenHolder } from "./fenced.ts";
export { createGuard, type Guard, type GuardOptions } from "./guard.ts";
export {
  FENCE_HEADER,
  fenceHeaders,
  fenceRefusal,
  FLOOR_HEADER,
  type HeaderSource,
  readFenceHeader,
} from "./http-fence.ts";
export type { LockHolder, LockState, LockWaiter } from "./inspect.ts";
export { workOutcome, type WorkOutcome } from "./lock-errors.ts";
export type { Hold, Lock, LockSet, ReleaseAnswer } from "./lock.ts";
export { createLocks, type Locks, type TryOptions } from "./locks.ts";
export {
  DEFAULT_LOCK_TTL_MS,
  DEFAULT_LOCK_WAIT_MS,
  type LockDefaults,
  type LockOptions,
  type LocksOptions,
  MIN_LOCK_TTL_MS,
} from "./options.ts";
export type { LockSide, ReadWriteLock } from "./read-write.ts";
export type { PermitOptions, Semaphore, SemaphoreOptions } from "./semaphore.ts";
export type { LockKind } from "./target.ts";
