/**
 * The pause of a call between two attempts.
 *
 * Always a timer, also for no time at all: an attempt that fails at once, repeated without a turn
 * of the event loop, would keep every other timer and all I/O of the process from running.
 */
import type { Ms } from "@quorate/core";

import type { LiveCall } from "./live-call.ts";

/** Resolves after `ms`; rejects with the reason in the turn in which the call is cancelled. */
export function pause(call: LiveCall, ms: Ms, keepAlive: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    if (call.isCancelled) call.check(); // Throws the reason: a listener may have cancelled.
    const timer = call.runtime.time.setTimer(
      ms,
      () => {
        call.active = undefined;
        resolve();
      },
      { keepAlive },
    );
    call.active = {
      end(reason) {
        timer.cancel();
        call.active = undefined;
        reject(reason);
      },
    };
  });
}
