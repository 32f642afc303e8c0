/**
 * Paying, through the flaky provider: one preset, one key per order, and patience while the
 * breaker is open.
 *
 * The order's id is the key. So a call whose answer was lost is asked again, by this node or by
 * another, and the provider charges once.
 */
import { isQuorateError, type Ms, type Runtime, sleep } from "@quorate/core";
import { type Call, resilient } from "@quorate/resilience";

/** What paying cost, for the audit. */
export interface PaymentStats {
  /** Orders whose payment was confirmed. */
  readonly charged: number;
  /** Requests sent beyond the first of an order. */
  readonly retries: number;
  /** How often the breaker opened. */
  readonly opened: number;
}

/** The shop's side of the provider. */
export interface Payments {
  /** Charges the order once, however often it is called. Resolves when that is certain. */
  charge(orderId: string): Promise<void>;
  readonly stats: PaymentStats;
}

/** How long an order waits for its money before the shop gives up. */
const PATIENCE_MS = 30_000;
const PAUSE_MS: Ms = 50;

/** Payments at `url`. */
export function createPayments(url: string, runtime: Runtime): Payments {
  const stats = { charged: 0, retries: 0, opened: 0 };
  // The provider is often back within a second, so the breaker looks again soon.
  const provider = resilient({
    name: "payments",
    runtime,
    timeoutMs: 5_000,
    attemptTimeoutMs: 250,
    breaker: { reset: { afterMs: 200, maxMs: 400 }, rampMs: 200 },
  });
  provider.breaker?.on("opened", () => void (stats.opened += 1));

  const request = async (orderId: string, call: Call): Promise<void> => {
    if (call.attempt > 1) stats.retries += 1;
    const response = await fetch(url, {
      method: "POST",
      headers: { "idempotency-key": orderId },
      body: orderId,
      signal: call.signal,
    });
    await response.text();
    if (!response.ok) throw refusal(response.status);
  };

  return {
    stats,
    async charge(orderId) {
      const untilMs = runtime.time.monotonicMs() + PATIENCE_MS;
      for (;;) {
        try {
          await provider.run((call) => request(orderId, call), { key: orderId });
          stats.charged += 1;
          return;
        } catch (error) {
          if (runtime.time.monotonicMs() > untilMs) throw error;
          await sleep(runtime, pauseAfter(error));
          stats.retries += 1;
        }
      }
    },
  };
}

/** A 503 of this provider says that nothing was charged. */
function refusal(status: number): Error {
  const effect = status === 503 ? "none" : "unknown";
  return Object.assign(new Error(`the provider answered ${status}`), { status, effect });
}

function pauseAfter(error: unknown): Ms {
  if (!isQuorateError(error, "BREAKER_OPEN")) return PAUSE_MS;
  return error.details.retryAfterMs ?? PAUSE_MS;
}
