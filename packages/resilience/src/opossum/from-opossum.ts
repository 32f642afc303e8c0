/**
 * A policy that runs calls through an opossum breaker that you keep.
 *
 * opossum protects one action, given at construction; a policy is handed its work call by call. So
 * the breaker's action must be the one that calls what it is given: `(work) => work()`. Everything
 * else, its options, listeners, fallback and dashboards, stays as it is.
 *
 * Guarantees: what `fire` rejects with comes out untouched, the identical object. When it gave up
 * on the work at its timeout, `call.signal` aborts, and limits further out hold the place until
 * the work has ended. Does not guarantee what opossum does not: it counts cancels and rejections
 * of policies further in as failures, unless its `errorFilter` is `isRejection` or knows them.
 *
 * Only the shape is known here; no version of opossum is imported.
 */
import { callable, type Effect, type Runtime, systemRuntime } from "@quorate/core";

import type { Loop, Next } from "../layer.ts";
import type { LiveCall } from "../live-call.ts";
import { type Policy, policyOf } from "../policy.ts";

/** What is needed of opossum's breaker: its action calls the work that it is fired with. */
export interface OpossumBreaker {
  /** Runs the action with `work`. */
  fire(work: () => Promise<unknown>): Promise<unknown>;
}

class OpossumLoop implements Loop {
  readonly kind = "loop";
  readonly rank = "breaker";
  readonly runtime: Runtime;
  readonly #breaker: OpossumBreaker;

  constructor(breaker: OpossumBreaker, runtime: Runtime) {
    this.runtime = runtime;
    this.#breaker = breaker;
  }

  async around(call: LiveCall, next: Next): Promise<unknown> {
    let running: Promise<void> | undefined;
    let isRunning = false;
    const work = async (): Promise<unknown> => {
      isRunning = true;
      const ended = (async () => next(call))();
      const settled = (): void => void (isRunning = false);
      running = ended.then(settled, settled);
      return ended;
    };
    try {
      return await this.#breaker.fire(work);
    } catch (error) {
      // Its timeout is not the work's end: tell the work, and have others wait for it.
      if (isRunning && running !== undefined) {
        call.leave(running);
        call.expire(error);
      }
      throw error;
    }
  }
}

/**
 * A policy out of an opossum breaker, of version 9, 10, or of the facade `CircuitBreaker`.
 *
 * @example
 * import { CircuitBreaker, fromOpossum } from "@quorate/resilience/opossum";
 * const kept = new CircuitBreaker((work: () => Promise<unknown>) => work(), { timeout: 500 });
 * const policy = fromOpossum(kept);
 * console.log(await policy.run(() => 42)); // => 42
 * kept.shutdown();
 */
export function fromOpossum(
  breaker: OpossumBreaker,
  options: { readonly runtime?: Runtime } = {},
): Policy {
  callable("breaker.fire", breaker?.fire);
  return policyOf(new OpossumLoop(breaker, options.runtime ?? systemRuntime));
}

const EFFECTS: ReadonlyMap<unknown, Effect> = new Map<string, Effect>([
  ["EOPENBREAKER", "none"],
  ["ESEMLOCKED", "none"],
  ["ESHUTDOWN", "none"],
  ["ETIMEDOUT", "unknown"],
]);

/**
 * Whether the work behind an opossum breaker ran, by the error's code; undefined: it does not say.
 * For a retry's own rule: opossum's errors carry no `effect`, and are not given one.
 *
 * @example
 * import { opossumEffect } from "@quorate/resilience/opossum";
 * opossumEffect(Object.assign(new Error("Breaker is open"), { code: "EOPENBREAKER" })); // => none
 */
export function opossumEffect(error: unknown): Effect | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    return EFFECTS.get((error as { code?: unknown }).code);
  } catch {
    return undefined;
  }
}
