/**
 * Several keys, all or nothing.
 *
 * Everybody takes keys in the same order (that of their bytes), so no two can wait for each other
 * in a circle. What was taken before the one that failed is given back.
 *
 * Guarantees: at the end all are held or none. Does not guarantee: that they are taken at one
 * moment; the first is held, and renewed, while the last is waited for.
 */
import { compareNames, type FencingToken, invalidArgument, type Ms } from "@quorate/core";
import { linkedController } from "@quorate/core";
import { handleOf } from "./claimable.ts";
import type { Keeper, Taken } from "./keeper.ts";
import type { LockHandle } from "./lock-handle.ts";
import type { Lock, LockSet, ReleaseAnswer } from "./lock.ts";
import type { CheckedLockOptions } from "./options.ts";
import type { Target } from "./target.ts";

/** Most keys of one claim. */
export const MAX_KEYS = 100;

/** `keys` in the order in which everybody takes them, each once. */
export function orderOfKeys(keys: readonly string[]): readonly string[] {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    throw invalidArgument("keys", keys, `an array of 1 to ${MAX_KEYS} keys`);
  }
  for (const key of keys) {
    if (typeof key !== "string") throw invalidArgument("keys", key, "an array of strings");
  }
  return [...new Set(keys)].toSorted(compareNames);
}

/** Takes all targets in the order given, within one `waitMs`; or gives all back and rejects. */
export async function takeAll(
  keeper: Keeper,
  targets: readonly Target[],
  options: CheckedLockOptions,
): Promise<readonly Taken[]> {
  const startedMs = keeper.time.monotonicMs();
  return collect(targets, (target) => {
    const spentMs = keeper.time.monotonicMs() - startedMs;
    return keeper.take(target, options, Math.max(0, options.waitMs - spentMs));
  }) as Promise<readonly Taken[]>; // `take` rejects where `tryTake` says undefined.
}

/** Takes all targets if each is free; else gives all back and resolves to `undefined`. */
export function tryTakeAll(
  keeper: Keeper,
  targets: readonly Target[],
  options: CheckedLockOptions,
): Promise<readonly Taken[] | undefined> {
  return collect(targets, (target) => keeper.tryTake(target, options));
}

async function collect(
  targets: readonly Target[],
  take: (target: Target) => Promise<Taken | undefined>,
): Promise<readonly Taken[] | undefined> {
  const taken: Taken[] = [];
  try {
    for (const target of targets) {
      const next = await take(target);
      if (next === undefined) {
        undo(taken);
        return undefined;
      }
      taken.push(next);
    }
    const lost = taken.map(({ lease }) => lease.problem()).find((problem) => problem !== undefined);
    if (lost !== undefined) throw lost; // One of the first ended while the last was waited for.
    return taken;
  } catch (error) {
    undo(taken);
    throw error;
  }
}

/** In the background: a store that is slow to take one back must not hide why another failed. */
function undo(taken: readonly Taken[]): void {
  for (const { lease, nested } of taken) {
    if (!nested) lease.release().catch(() => {});
  }
}

/** The handle of several locks. */
export class LockSetHandle implements LockSet {
  readonly keys: readonly string[];
  readonly locks: readonly LockHandle[];
  #signal: AbortSignal | undefined;

  constructor(keeper: Keeper, taken: readonly Taken[]) {
    this.locks = taken.map((one) => handleOf(keeper, one));
    this.keys = this.locks.map((lock) => lock.key);
  }

  get signal(): AbortSignal {
    // The locks' own signals end with them, so there is nobody to be detached from.
    this.#signal ??= linkedController(...this.locks.map((lock) => lock.signal)).signal;
    return this.#signal;
  }

  get safety(): "lease" | "best-effort" {
    return this.locks.every((lock) => lock.safety === "lease") ? "lease" : "best-effort";
  }

  get remainingMs(): Ms {
    return Math.min(...this.locks.map((lock) => lock.remainingMs));
  }

  get(key: string): Lock {
    const lock = this.locks.find((one) => one.key === key);
    if (lock === undefined) throw invalidArgument("key", key, `one of ${this.keys.join(", ")}`);
    return lock;
  }

  check(): readonly FencingToken[] {
    return this.locks.map((lock) => lock.check());
  }

  ensure(ms: Ms): Promise<readonly FencingToken[]> {
    return Promise.all(this.locks.map((lock) => lock.ensure(ms)));
  }

  async release(): Promise<ReleaseAnswer> {
    const answers = await Promise.allSettled(this.locks.map((lock) => lock.release()));
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const expired = answers.some((one) => one.status === "fulfilled" && one.value === "expired");
    return expired ? "expired" : "released";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => {});
  }
}
