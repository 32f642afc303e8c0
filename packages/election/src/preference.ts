/**
 * Preferring a candidate: a leader that is not the preferred one gives way when that one waits.
 *
 * It looks at the line now and then, as often as it renews, but not before it has led for a while:
 * a preferred candidate that crashes every minute must not drag the leadership back and forth every
 * minute. The hand-over itself is a transfer like any other.
 */
import { isQuorateError, type Ms, sleep } from "@quorate/core";
import { isNamed, type LineDesk } from "./hand-over.ts";

/** Looks per TTL: as many as renewals. */
const LOOKS_PER_TTL = 3;

/** One leader's regard for another. */
export interface Preference {
  readonly preferred: string;
  readonly minTermMs: Ms;
  readonly ttlMs: Ms;
  readonly line: LineDesk;
  /** The term's. */
  readonly signal: AbortSignal;
  handOver(): Promise<unknown>;
  failed(error: unknown, failures: number): void;
}

/** Until the end of the term; never rejects. */
export async function keepPreference(preference: Preference): Promise<void> {
  const { preferred, minTermMs, ttlMs, line, signal } = preference;
  const { runtime, leases, lease } = line;
  const upkeep = { signal, keepAlive: false };
  try {
    await sleep(runtime, minTermMs, upkeep);
    for (let failures = 0; !signal.aborted;) {
      try {
        const { waiters } = await leases.inspect(lease, { signal });
        if (waiters.some((waiter) => isNamed(waiter, preferred))) await preference.handOver();
        failures = 0;
      } catch (error) {
        // Gone again, or the term has just ended: nothing is wrong.
        if (!signal.aborted && !isQuorateError(error, "NO_CANDIDATE")) {
          preference.failed(error, (failures += 1));
        }
      }
      await sleep(runtime, (ttlMs / LOOKS_PER_TTL) * (0.9 + 0.2 * runtime.random.next()), upkeep);
    }
  } catch {
    // The sleep was ended by the signal: so has the term.
  }
}
