/**
 * Paying, through the flaky provider: one preset, one key per order, and patience while the
 * breaker is open.
 *
 * The call has the key, the same for every attempt of it. So a request whose answer was lost is
 * asked again, by this till or by another, and the provider charges once. A declined card is a
 * definite no; whatever else goes wrong is asked again until it is known or time is over.
 */
import { isQuorateError, type Ms, refuse, type Runtime, sleep } from "@quorate/core";
import { type Call, resilient } from "@quorate/resilience";
import { PATIENCE_MS } from "./services.ts";

/** A till's side of the provider. */
export interface Provider {
  /** Charges the order once, however often it is called. @throws REFUSED the card was declined. */
  charge(order: PaidOrder): Promise<void>;
  /** Gives the money back, if it was taken, and forbids that it is taken later. */
  refund(order: PaidOrder): Promise<void>;
}

/** What is paid for, and until when somebody waits. */
export interface PaidOrder {
  readonly orderId: string;
  /** The same for all attempts of one payment. */
  readonly key: string;
  readonly signal: AbortSignal;
}

const PAUSE_MS: Ms = 50;

/** The provider at `url`; `onOpened` hears of each time the breaker opens. */
export function reachProvider(url: string, runtime: Runtime, onOpened: () => void): Provider {
  // The provider is often back within a second, so the breaker looks again soon.
  const provider = resilient({
    name: "provider",
    runtime,
    timeoutMs: 5_000,
    attemptTimeoutMs: 250,
    breaker: { reset: { afterMs: 200, maxMs: 400 }, rampMs: 200 },
  });
  provider.breaker?.on("opened", onOpened);

  const request = async (method: string, order: PaidOrder, call: Call): Promise<void> => {
    const response = await fetch(url, {
      method,
      headers: { "idempotency-key": order.key },
      body: order.orderId,
      signal: call.signal,
    });
    const text = await response.text();
    if (response.status === 402) throw refuse(text);
    if (!response.ok) throw refusal(response.status);
  };

  const certainly = async (method: string, order: PaidOrder): Promise<void> => {
    const { key, signal } = order;
    const untilMs = runtime.time.monotonicMs() + PATIENCE_MS;
    for (;;) {
      try {
        await provider.run((call) => request(method, order, call), { key, signal });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isQuorateError(error, "REFUSED")) throw error;
        if (runtime.time.monotonicMs() > untilMs) throw error;
        await sleep(runtime, pauseAfter(error), { signal });
      }
    }
  };

  return {
    charge: (order) => certainly("POST", order),
    refund: (order) => certainly("DELETE", order),
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
