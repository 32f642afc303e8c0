/** Work that a test begins, watches and ends by hand. */
import type { RunOptions } from "./call.ts";
import type { Policy } from "./policy.ts";
import { outcomeOf, pending } from "./policy.fixture.ts";

/** One call under a policy. */
export interface Job {
  /** Whether the work has begun. */
  readonly isRunning: boolean;
  /** What the caller was told; undefined: nothing yet. */
  readonly outcome: unknown;
  /** Resolves to `outcome`. */
  readonly ended: Promise<unknown>;
  /** The work returns. */
  finish(value?: unknown): void;
  /** The work throws. */
  fail(error: unknown): void;
}

/** Runs work that ignores its signal and ends when the test says so. */
export function startJob(policy: Policy, options?: RunOptions): Job {
  const work = pending<unknown>();
  let isRunning = false;
  let outcome: unknown;
  const ended = outcomeOf(
    policy.run(() => {
      isRunning = true;
      return work.promise;
    }, options),
  );
  void ended.then((told) => (outcome = told));
  return {
    get isRunning() {
      return isRunning;
    },
    get outcome() {
      return outcome;
    },
    ended,
    finish: (value) => work.resolve(value),
    fail: (error) => work.reject(error),
  };
}

/** The code and effect of an outcome, for short claims. */
export function codeOf(outcome: unknown): string {
  const { error } = (outcome ?? {}) as { error?: { code?: string; effect?: string } };
  return error === undefined ? "none" : `${error.code} ${error.effect}`;
}
