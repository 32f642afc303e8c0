/**
 * Giving a lease back, as often as it takes to be heard, but not beyond its own end.
 *
 * A release is safe to repeat. When the lease's time is over there is nothing left to give back:
 * `expired` is then the truth, and waiting any longer would only keep the caller from going on.
 */
import {
  isQuorateError,
  type LeaseStore,
  type Ms,
  type ReleasableGrant,
  type Runtime,
  sleep,
} from "@quorate/core";
import type { GivenBack } from "./held-lease.ts";

const TRY_TIMEOUT_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Gives `grant` back; `leftMs` says how long it lasts by itself. Rejects where the store refuses
 * for a reason that asking again will not change.
 */
export async function giveBack(
  desk: { readonly leases: LeaseStore; readonly runtime: Runtime },
  grant: ReleasableGrant,
  leftMs: () => Ms,
): Promise<GivenBack> {
  for (let tries = 1, pauseMs = FIRST_PAUSE_MS; ; tries++) {
    try {
      const answer = await desk.leases.release(grant, { timeoutMs: TRY_TIMEOUT_MS });
      return { answer, sure: tries === 1 };
    } catch (error) {
      if (!isQuorateError(error) || !error.retryable) throw error;
    }
    const left = leftMs();
    if (left <= 0) return { answer: "expired", sure: false };
    await sleep(desk.runtime, Math.min(pauseMs, left));
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
