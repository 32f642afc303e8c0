/**
 * A retry budget of this process: retries are at most a share of the first attempts.
 *
 * When a dependency fails, clients that each retry three times bring it three times the load, and
 * a stall of seconds becomes one that never ends. With a budget of a tenth they bring a tenth more.
 * First attempts and retries of the last `ttlMs` are counted in ten slices of time; a retry is
 * granted while the retries stay within `ratio` of the first attempts or within `perSecond`,
 * whichever is more, so that clients with few calls may retry too.
 *
 * Guarantees: of the last `ttlMs`, retries ≤ max(ratio × first attempts, perSecond × seconds), in
 * integers, hence without drift. Does not guarantee fairness between those who share it. First
 * attempts are filed sixteen at a time, so up to fifteen may be taken for younger than they are.
 *
 * After the budgets of Finagle (Twitter) and of Google's SRE book, "Handling Overload".
 */
import {
  inRange,
  knownOptions,
  type Ms,
  positive,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import type { RetryBudget } from "./budget.ts";

/** Options of `retryBudget`. */
export interface RetryBudgetOptions {
  /** Retries for each first attempt, 0 to 10; in steps of a thousandth. @default 0.1 */
  readonly ratio?: number | undefined;
  /** Retries a second that are granted however few the calls, 0 to 1_000_000. @default 3 */
  readonly perSecond?: number | undefined;
  /** How long a first attempt counts, and a retry. @default 10_000 */
  readonly ttlMs?: Ms | undefined;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

const SLICES = 10;
/** Everything is counted in thousandths of a retry. */
const WHOLE = 1_000;
/** Deposits that are filed together: reading the clock costs more than all the rest. */
const BATCH = 16;

class WindowedBudget implements RetryBudget {
  readonly #runtime: Runtime;
  readonly #ratioMilli: number;
  readonly #floorMilli: number;
  readonly #sliceMs: Ms;
  /** By slice of time, in a ring: slot = slice modulo `SLICES`. */
  readonly #firsts: number[] = Array.from({ length: SLICES }, () => 0);
  readonly #retries: number[] = Array.from({ length: SLICES }, () => 0);
  #slice: number;
  #firstsSum = 0;
  #retriesSum = 0;
  #unfiled = 0;

  constructor(options: RetryBudgetOptions) {
    const ttlMs = positive("ttlMs", options.ttlMs ?? 10_000);
    const perSecond = inRange("perSecond", options.perSecond ?? 3, 0, 1_000_000);
    this.#runtime = options.runtime ?? systemRuntime;
    this.#ratioMilli = Math.round(inRange("ratio", options.ratio ?? 0.1, 0, 10) * WHOLE);
    this.#floorMilli = Math.floor((perSecond * ttlMs * WHOLE) / 1_000);
    this.#sliceMs = ttlMs / SLICES;
    this.#slice = this.#sliceNow();
  }

  get balance(): number {
    this.#file();
    return Math.max(0, Math.floor(this.#leftMilli() / WHOLE));
  }

  deposit(): void {
    if (++this.#unfiled >= BATCH) this.#file();
  }

  withdraw(): boolean {
    this.#file();
    if (this.#leftMilli() < WHOLE) return false;
    const slot = this.#slice % SLICES;
    this.#retries[slot] = (this.#retries[slot] as number) + 1;
    this.#retriesSum += 1;
    return true;
  }

  #leftMilli(): number {
    const grantedMilli = Math.max(this.#firstsSum * this.#ratioMilli, this.#floorMilli);
    return grantedMilli - this.#retriesSum * WHOLE;
  }

  /** Forgets what is too old, then files the first attempts since the last time as new. */
  #file(): void {
    const slice = this.#sliceNow();
    // Each slice that was skipped is emptied, also those of a long silence.
    const from = Math.max(this.#slice + 1, slice - SLICES + 1);
    for (let passed = from; passed <= slice; passed++) {
      const slot = passed % SLICES;
      this.#firstsSum -= this.#firsts[slot] as number;
      this.#retriesSum -= this.#retries[slot] as number;
      this.#firsts[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#slice = Math.max(this.#slice, slice);
    const slot = this.#slice % SLICES;
    this.#firsts[slot] = (this.#firsts[slot] as number) + this.#unfiled;
    this.#firstsSum += this.#unfiled;
    this.#unfiled = 0;
  }

  #sliceNow(): number {
    return Math.floor(this.#runtime.time.monotonicMs() / this.#sliceMs);
  }
}

/**
 * A budget for one dependency, to be shared by all its retries and hedges in this process.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range
 * @example
 * import { retry, retryBudget } from "@quorate/resilience";
 * const budget = retryBudget({ ratio: 0.2 });
 * const reads = retry({ attempts: 4, budget });
 * const writes = retry({ attempts: 2, budget });
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  knownOptions("retryBudget", options, ["ratio", "perSecond", "ttlMs", "runtime"]);
  return new WindowedBudget(options);
}
