/**
 * Back-pressure of a hybrid clock: wait until others will believe its timestamps again.
 *
 * The clock itself never waits and never refuses; it counts on, into the future if it must. Who
 * sends its timestamps to peers should wait here first: a peer refuses what is more than
 * `maxDriftMs` ahead of *its* wall clock.
 *
 * Guarantees: resolves while `clock.isTrusted`. Does not guarantee an end: a wall clock that was
 * set back by an hour needs an hour, or somebody who sets it right. Pass a `signal`.
 */
import { knownOptions, type Ms, type Runtime, sleep, systemRuntime } from "@quorate/core";
import type { HybridClock } from "./hybrid-clock.ts";

/** Options of `untilTrusted`. */
export interface UntilTrustedOptions {
  /** Whose timers wait: that of the clock. @default systemRuntime */
  readonly runtime?: Pick<Runtime, "time">;
  /** Gives up: the wait rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The wall clock may be set right at any time: look again this often. */
const LONGEST_SLEEP_MS: Ms = 1_000;

/**
 * Resolves once `clock` is at most its `maxDriftMs` ahead of the wall; at once if it is now.
 *
 * @example
 * import { HybridClock, untilTrusted } from "@quorate/clock";
 * const clock = new HybridClock({ node: "paris" });
 * await untilTrusted(clock, { signal: AbortSignal.timeout(5_000) });
 * clock.now(); // peers with good clocks will take it
 */
export async function untilTrusted(
  clock: Pick<HybridClock, "aheadMs" | "maxDriftMs">,
  options: UntilTrustedOptions = {},
): Promise<void> {
  const { runtime = systemRuntime, signal } = knownOptions("options", options, [
    "runtime",
    "signal",
  ]);
  signal?.throwIfAborted();
  for (;;) {
    const leftMs = clock.aheadMs - clock.maxDriftMs;
    if (leftMs <= 0) return;
    await sleep(runtime, Math.min(leftMs, LONGEST_SLEEP_MS), { signal });
  }
}
