/**
 * Layers: what policies are made of.
 *
 * A guard looks at a call on its way in and on its way out (breaker, bulkhead, limit, timeout);
 * neighbouring guards are fused around a single `await`. A loop decides how often and with what
 * the rest runs (retry, hedge, fallback). Layers are values without state of a call: what a guard
 * must remember between in and out is the permit that it returns.
 */
import type { Runtime } from "@quorate/core";
import type { LiveCall } from "./live-call.ts";

/** The rest of a policy, further in. */
export type Next = (call: LiveCall) => unknown;

/** What a guard remembers of a call that it let in. */
export type Permit = object | number | undefined;

/** Where a layer belongs, outer to inner; the wrong order is warned of. */
export type Rank = "fallback" | "timeout" | "loop" | "breaker" | "limit";

/** Looks at calls on their way in and out. */
export interface Guard {
  readonly kind: "guard";
  readonly rank: Rank;
  readonly runtime: Runtime;
  /** Lets the call in, has it wait, or throws. The call's own deadline and cancel end a wait. */
  enter(call: LiveCall): Permit | Promise<Permit>;
  /** The rest of the policy returned `value`. Must not throw. */
  succeed(permit: Permit, call: LiveCall, value: unknown): void;
  /** The rest of the policy threw `error`. Must not throw. */
  fail(permit: Permit, call: LiveCall, error: unknown): void;
  /** A guard further in let the call not pass: the work never began. Must not throw. */
  cancel(permit: Permit, call: LiveCall): void;
  /**
   * The work itself has ended: after `succeed` or `fail`, and later than them if a deadline or a
   * cancel was faster than the work. Must not throw.
   */
  settle?(permit: Permit, call: LiveCall): void;
}

/** Decides how often, and with what, the rest runs. */
export interface Loop {
  readonly kind: "loop";
  readonly rank: Rank;
  readonly runtime: Runtime;
  /** Runs `next` as often as it decides, and answers for the call. */
  around(call: LiveCall, next: Next): Promise<unknown>;
}

/**
 * A loop that has nothing to do unless the first try fails (retry, fallback). It costs a first try
 * that succeeds next to nothing, because it is fused with the guards that it stands around.
 */
export interface Rescue {
  readonly kind: "rescue";
  readonly rank: Rank;
  readonly runtime: Runtime;
  /** The first try begins. Must not throw. */
  begin(call: LiveCall): void;
  /** The first try failed with `error`: what the caller gets instead. `next` tries again. */
  recover(call: LiveCall, error: unknown, next: Next): Promise<unknown>;
}

/** A part of a policy. */
export type Layer = Guard | Loop | Rescue;
