/**
 * Timeout: a deadline for everything further in.
 *
 * It owns no timer: it only draws the call's deadline nearer, and whatever then waits or runs
 * (a place in a bulkhead, the pause before a retry, the work itself) ends at the nearest deadline.
 * Outermost it bounds the whole call with all its retries; innermost it bounds one attempt.
 *
 * Guarantees: the call settles at the deadline, and `call.signal` aborts. Does not guarantee that
 * the work stops, nor that it did not happen: the error's effect is `unknown` once it began.
 */
import { knownOptions, type Ms, type Runtime, systemRuntime } from "@quorate/core";

import { duration } from "./duration.ts";
import type { Guard, Permit } from "./layer.ts";
import type { LiveCall } from "./live-call.ts";
import { type Policy, policyOf } from "./policy.ts";

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** Time for everything further in; Infinity: no bound. */
  readonly timeoutMs: Ms;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** The deadline that was there before; a call that had none, the usual case, needs no object. */
interface Outer {
  readonly deadlineMs: Ms;
  readonly timeoutMs: Ms;
}

/** Permit of a call whose own deadline is nearer: nothing was changed. */
const UNTOUCHED = 0;

class Timeout implements Guard {
  readonly kind = "guard";
  readonly rank = "timeout";
  readonly runtime: Runtime;
  readonly #timeoutMs: Ms;

  constructor(options: TimeoutOptions) {
    this.runtime = options.runtime ?? systemRuntime;
    this.#timeoutMs = duration("timeoutMs", options.timeoutMs);
  }

  enter(call: LiveCall): Permit {
    const nowMs = this.runtime.time.monotonicMs();
    const deadlineMs = nowMs + this.#timeoutMs;
    const { deadlineMs: outerMs } = call;
    if (deadlineMs >= outerMs) {
      if (outerMs <= nowMs) throw call.timeoutError(false);
      return UNTOUCHED;
    }
    const outer: Outer | undefined =
      outerMs === Infinity ? undefined : { deadlineMs: outerMs, timeoutMs: call.timeoutMs };
    call.deadlineMs = deadlineMs;
    call.timeoutMs = this.#timeoutMs;
    return outer;
  }

  succeed(permit: Permit, call: LiveCall): void {
    this.cancel(permit, call);
  }

  fail(permit: Permit, call: LiveCall): void {
    this.cancel(permit, call);
  }

  /** Whoever comes next, a retry above all, is under the outer deadline again. */
  cancel(permit: Permit, call: LiveCall): void {
    if (permit === UNTOUCHED) return;
    const outer = permit as Outer | undefined;
    call.deadlineMs = outer?.deadlineMs ?? Infinity;
    call.timeoutMs = outer?.timeoutMs ?? Infinity;
  }
}

/**
 * A policy that ends what is further in after `timeoutMs`, with `TIMEOUT`.
 *
 * @example
 * import { timeout } from "@quorate/resilience";
 * const quick = timeout({ timeoutMs: 500 });
 * const answer = await quick.run(async (call) => {
 *   call.check(); // or pass call.signal on to fetch
 *   return 42;
 * });
 */
export function timeout(options: TimeoutOptions): Policy {
  knownOptions("timeout", options, ["timeoutMs", "runtime"]);
  return policyOf(new Timeout(options));
}
