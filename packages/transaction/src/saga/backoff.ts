/**
 * How long to wait before the next attempt: full jitter under an exponential bound.
 *
 * Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
import type { Ms, Runtime } from "@quorate/core";
import type { StepRetry } from "./model.ts";

/** Longest that a participant's word delays the next attempt. */
const LONGEST_ASKED_MS = 3_600_000;

/** The pause after attempt number `attempt`; what the participant asks for is heeded. */
export function backoffMs(
  retry: StepRetry,
  attempt: number,
  runtime: Pick<Runtime, "random">,
  askedMs: Ms | undefined,
): Ms {
  const boundMs = Math.min(retry.maxMs, retry.baseMs * 2 ** Math.min(attempt - 1, 40));
  const drawnMs = Math.ceil(boundMs * runtime.random.next());
  return Math.max(drawnMs, Math.min(Math.ceil(askedMs ?? 0), LONGEST_ASKED_MS));
}
