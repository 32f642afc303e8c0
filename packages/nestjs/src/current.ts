/**
 * What a decorated method is told of the run that it is.
 *
 * Its own arguments are its callers' business, and Nest's, which injects them by position. So a
 * lock, a claim or a term is not handed over as one more argument; whatever runs under it asks.
 */
import { AsyncLocalStorage } from "node:async_hooks";

import { invalidArgument } from "@quorate/core";
import type { TickClaim } from "quorate/cron";
import type { Leadership } from "quorate/election";
import type { WorkContext } from "quorate/idempotency";
import type { Lock } from "quorate/lock";

/** One kind of thing that the present flow of calls may be under. */
class Current<T> {
  readonly #flow = new AsyncLocalStorage<T>();
  readonly #asked: string;
  readonly #decorator: string;

  constructor(asked: string, decorator: string) {
    this.#asked = asked;
    this.#decorator = decorator;
  }

  /** Runs `inside` under `value`. */
  run<R>(value: T, inside: () => R): R {
    return this.#flow.run(value, inside);
  }

  /** A missing lock must be an error: `undefined` would be skipped by a `?.`, and nobody warned. */
  get(): T {
    const value = this.#flow.getStore();
    if (value !== undefined) return value;
    throw invalidArgument(this.#asked, "called outside", `called within ${this.#decorator}`);
  }
}

/** Of `Locked`. */
export const locks: Current<Lock> = new Current("currentLock", "a method with @Locked");
/** Of `Idempotent`. */
export const runs: Current<WorkContext> = new Current("currentRun", "a method with @Idempotent");
/** Of `LeaderOnly`. */
export const terms: Current<Leadership> = new Current(
  "currentLeadership",
  "a method with @LeaderOnly",
);
/** Of `OncePerTick`. */
export const ticks: Current<TickClaim> = new Current("currentTick", "a method with @OncePerTick");

/** The innermost lock of `@Locked`. @throws INVALID_ARGUMENT called outside of such a method. */
export function currentLock(): Lock {
  return locks.get();
}

/** The run of `@Idempotent`. @throws INVALID_ARGUMENT called outside of such a method. */
export function currentRun(): WorkContext {
  return runs.get();
}

/** The term of `@LeaderOnly`. @throws INVALID_ARGUMENT called outside of such a method. */
export function currentLeadership(): Leadership {
  return terms.get();
}

/** The claim of `@OncePerTick`. @throws INVALID_ARGUMENT called outside of such a method. */
export function currentTick(): TickClaim {
  return ticks.get();
}
