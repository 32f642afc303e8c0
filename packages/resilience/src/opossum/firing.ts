/**
 * One run of the action: raced with its timeout, told to the circuit, and remembered until the
 * action has really ended.
 *
 * A timeout ends the caller's wait and not the action, so the place of a run is free again only
 * when the action has settled. A run that nobody bounds, but that is the probe of a half-open
 * circuit, is given up on as a probe; its caller waits on.
 */
import type { Ms, Runtime } from "@quorate/core";

import { deadlinesOf, type Expiring } from "../deadlines.ts";

/** Who decides what comes of a run. */
export interface Firm {
  readonly runtime: Runtime;
  /** Decides the caller's promise. */
  ended(firing: Firing, outcome: Ended): void;
  /** The action has settled: its place is free. */
  left(firing: Firing): void;
  /** A probe without a timeout hangs. */
  hung(firing: Firing): void;
}

/** An action with its `this` and its arguments. */
export interface CircuitWork {
  readonly action: (...args: unknown[]) => unknown;
  readonly context: unknown;
  readonly args: readonly unknown[];
}

/** Calls the action. */
export function start({ action, context, args }: CircuitWork): unknown {
  return Reflect.apply(action, context, args);
}

/** Who starts the action, knowing for which run. */
export interface Starter {
  start(firing: Firing, work: CircuitWork): unknown;
}

/** How a run ended for its caller. */
export type Ended =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown }
  | { readonly kind: "timeout" };

/** The state that a run belongs to, and by when it must end. */
export interface FiringTerms {
  readonly epoch: number;
  readonly isProbe: boolean;
  readonly startMs: Ms;
  readonly timeoutMs: Ms;
  /** How long a probe is waited for that has no timeout. */
  readonly probeMs: Ms;
}

/** One run. */
export class Firing implements Expiring {
  readonly promise: Promise<unknown>;
  readonly args: readonly unknown[];
  readonly epoch: number;
  readonly isProbe: boolean;
  readonly startMs: Ms;
  /** When it ended for its caller. */
  endMs: Ms = 0;
  /** Made when the action asks for its signal. */
  controller: AbortController | undefined = undefined;
  /** Told before the caller is: whether the action succeeded in time. */
  onEnd: ((hasSucceeded: boolean) => void) | undefined = undefined;
  wakeMs = 0;
  heapIndex = -1;
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;
  readonly #firm: Firm;
  readonly #hasTimeout: boolean;
  #isOver = false;

  constructor(firm: Firm, args: readonly unknown[], terms: FiringTerms) {
    this.#firm = firm;
    this.args = args;
    this.epoch = terms.epoch;
    this.isProbe = terms.isProbe;
    this.startMs = terms.startMs;
    this.#hasTimeout = terms.timeoutMs < Infinity;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const limitMs = this.#hasTimeout || !terms.isProbe ? terms.timeoutMs : terms.probeMs;
    if (limitMs === Infinity) return;
    deadlinesOf(firm.runtime).add(this, this.startMs + limitMs, this.startMs);
  }

  /** Has `starter` start the work; whatever it returns or throws. */
  start(starter: Starter, work: CircuitWork): void {
    let result: unknown;
    try {
      result = starter.start(this, work);
    } catch (error) {
      return this.#settle({ kind: "error", error });
    }
    Promise.resolve(result).then(
      (value) => this.#settle({ kind: "value", value }),
      (error: unknown) => this.#settle({ kind: "error", error }),
    );
  }

  /** Time that its caller waited. */
  get latencyMs(): Ms {
    return this.endMs - this.startMs;
  }

  expire(): void {
    if (this.#hasTimeout) this.#end({ kind: "timeout" });
    else this.#firm.hung(this);
  }

  /** The action has ended, perhaps long after its timeout. */
  #settle(outcome: Ended): void {
    if (this.heapIndex !== -1) deadlinesOf(this.#firm.runtime).remove(this);
    this.#firm.left(this);
    this.#end(outcome);
  }

  #end(outcome: Ended): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.endMs = this.#firm.runtime.time.monotonicMs();
    this.onEnd?.(outcome.kind === "value");
    this.#firm.ended(this, outcome);
  }
}
