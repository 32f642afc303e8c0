/**
 * A runtime that can be paused: what SIGSTOP does to a process, done to one node of several in
 * a process. Clocks go on, timers that come due wait for the end of the pause. So the node's
 * renewals stop, and it wakes up not knowing that its lease is over.
 */
import { type Runtime, sleep, systemRuntime, type Time } from "@quorate/core";

/** A runtime with a switch. */
export interface PausableRuntime extends Runtime {
  pause(ms: number): Promise<void>;
}

/** The system's runtime, pausable. */
export function pausableRuntime(): PausableRuntime {
  let paused = false;
  let due: (() => void)[] = [];
  const time: Time = {
    ...systemRuntime.time,
    setTimer(delayMs, callback, options) {
      let cancelled = false;
      const fire = (): void => {
        if (cancelled) return;
        if (paused) due.push(fire);
        else callback();
      };
      const timer = systemRuntime.time.setTimer(delayMs, fire, options);
      return {
        cancel() {
          cancelled = true;
          timer.cancel();
        },
      };
    },
  };
  return {
    ...systemRuntime,
    time,
    async pause(ms) {
      paused = true;
      await sleep(systemRuntime, ms);
      paused = false;
      const missed = due;
      due = [];
      // The write that follows the pause comes first, as after SIGCONT a running function does.
      systemRuntime.time.setTimer(0, () => missed.forEach((fire) => fire()));
    },
  };
}
