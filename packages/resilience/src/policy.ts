/**
 * Policies as values: what to do when a call fails, is late, or should not be made.
 *
 * `pipe(outer, …, inner)` makes one policy of several. Neighbouring guards are fused: on the way
 * in each is asked, then comes one `await`, then each is told on the way out. So four policies cost
 * little more than one.
 *
 * Guarantees: the work's value or error comes out untouched, the identical object; errors of
 * policies are `QuorateError`s whose `effect` says whether the work ran; a cancelled call rejects
 * with the signal's own reason.
 */
import { invalidArgument, onAbort, type Runtime, systemRuntime } from "@quorate/core";

import { attempt } from "./attempt.ts";
import type { Call, RunOptions, Work } from "./call.ts";
import { duration } from "./duration.ts";
import { fuse } from "./fuse.ts";
import type { Guard, Layer, Next } from "./layer.ts";
import { LiveCall } from "./live-call.ts";
import { warnOfOrder } from "./order.ts";

/** How a wrapped function's arguments make the options of its call. */
export interface WrapOptions<A extends readonly unknown[]> {
  /** Options of every call, or made from the arguments. */
  readonly options?: RunOptions | ((...args: A) => RunOptions);
}

/** A way to make calls. */
export interface Policy {
  /**
   * Runs `work` under this policy. Resolves and rejects with what the work did, or with the error
   * of the policy that ended it; each names its effect.
   */
  run<T>(work: Work<T>, options?: RunOptions): Promise<T>;
  /** The function that runs `work(call, ...args)` under this policy. */
  wrap<A extends unknown[], T>(
    work: (call: Call, ...args: A) => T | PromiseLike<T>,
    options?: WrapOptions<A>,
  ): (...args: A) => Promise<T>;
  /** What it is made of, outer to inner. */
  readonly layers: readonly Layer[];
}

/** Policies of this package are objects of this class; bare `Policy` is what others may bring. */
export class LayeredPolicy implements Policy {
  readonly layers: readonly Layer[];
  readonly #runtime: Runtime;
  #next: Next | undefined = undefined;

  constructor(layers: readonly Layer[], runtime: Runtime = layers[0]?.runtime ?? systemRuntime) {
    this.layers = layers;
    this.#runtime = runtime;
  }

  run<T>(work: Work<T>, options?: RunOptions): Promise<T> {
    if (typeof work !== "function") {
      return Promise.reject(invalidArgument("work", work, "a function"));
    }
    const next = (this.#next ??= compile(this.layers));
    if (options?.signal !== undefined) return this.#runWith(work, options, next) as Promise<T>;
    const call = new LiveCall(this.#runtime, work, options);
    try {
      if (options !== undefined) bound(call, options);
      return next(call) as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  wrap<A extends unknown[], T>(
    work: (call: Call, ...args: A) => T | PromiseLike<T>,
    options: WrapOptions<A> = {},
  ): (...args: A) => Promise<T> {
    const made = options.options;
    return (...args) =>
      this.run((call) => work(call, ...args), typeof made === "function" ? made(...args) : made);
  }

  async #runWith(work: Work<unknown>, options: RunOptions, next: Next): Promise<unknown> {
    const call = new LiveCall(this.#runtime, work, options);
    bound(call, options);
    const { signal } = options;
    if (signal?.aborted === true) throw signal.reason;
    call.mayEnd = true;
    const off = onAbort(signal, () => call.cancel(signal?.reason));
    try {
      return await next(call);
    } finally {
      off();
    }
  }
}

/** Draws the deadline of `call` as near as the caller's options say. */
function bound(call: LiveCall, { timeoutMs, deadlineMs }: RunOptions): void {
  if (timeoutMs === undefined && deadlineMs === undefined) return;
  const nowMs = call.runtime.time.monotonicMs();
  if (timeoutMs !== undefined) {
    call.timeoutMs = duration("timeoutMs", timeoutMs);
    call.deadlineMs = nowMs + timeoutMs;
  }
  if (deadlineMs === undefined) return;
  if (typeof deadlineMs !== "number" || Number.isNaN(deadlineMs)) {
    throw invalidArgument("deadlineMs", deadlineMs, "an instant on the monotonic clock");
  }
  if (deadlineMs >= call.deadlineMs) return;
  call.deadlineMs = deadlineMs;
  call.timeoutMs = Math.max(0, deadlineMs - nowMs);
  call.isOverdue = deadlineMs <= nowMs; // Guards have their say first: a server counts it as shed.
}

/** From the inside out: guards that stand together, and a rescue around them, become one. */
function compile(layers: readonly Layer[]): Next {
  let next: Next = attempt;
  let end = layers.length;
  const guardsFrom = (start: number): Guard[] => layers.slice(start, end) as Guard[];
  for (let index = layers.length - 1; index >= 0; index--) {
    const layer = layers[index] as Layer;
    if (layer.kind === "guard") continue;
    const inner = fuse(guardsFrom(index + 1), next, layer.kind === "rescue" ? layer : undefined);
    next = layer.kind === "rescue" ? inner : (call) => layer.around(call, inner);
    end = index;
  }
  const outermost = fuse(guardsFrom(0), next);
  // Alone the work may return a plain value or throw; callers always get a promise.
  return layers.length > 0 ? outermost : async (call) => outermost(call);
}

/** A policy of one layer. */
export function policyOf(layer: Layer): Policy {
  return new LayeredPolicy([layer], layer.runtime);
}

/**
 * One policy out of several, outer to inner. An order that is known to hurt is warned of once, as
 * a process warning: a breaker outside a retry counts wrongly, a bulkhead outside a retry holds its
 * place through the pauses.
 *
 * @throws INVALID_ARGUMENT an argument is not a policy, or two of them run on different runtimes
 * @example
 * import { pipe, timeout } from "@quorate/resilience";
 * const policy = pipe(timeout({ timeoutMs: 2_000 }), timeout({ timeoutMs: 500 }));
 * const answer = await policy.run(() => 42);
 */
export function pipe(...policies: readonly Policy[]): Policy {
  const layers = policies.flatMap((policy, index) => {
    if (Array.isArray((policy as Partial<Policy> | undefined)?.layers)) return policy.layers;
    throw invalidArgument(`policies[${index}]`, policy, "a policy");
  });
  const runtime = layers[0]?.runtime ?? systemRuntime;
  if (layers.some((layer) => layer.runtime !== runtime)) {
    throw invalidArgument("runtime", "different runtimes", "the same in all policies of a pipe");
  }
  warnOfOrder(layers);
  return new LayeredPolicy(layers, runtime);
}
