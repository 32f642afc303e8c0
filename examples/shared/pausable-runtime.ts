/**
 * A runtime that can be paused: what SIGSTOP does to a process, done to one node of several in
 * a process. Clocks go on, timers that come due wait for the end of the pause. So the node's
 * renewals stop, and it wakes up not knowing that its lease is over.
 */
import { deferred, type Runtime, systemRuntime, type Time } from "@quorate/core";

/** A runtime with a switch. */
export interface PausableRuntime extends Runtime {
  /** Stops its timers. Resolves once they are allowed to go on. */
  freeze(): Promise<void>;
  /** Lets them go on, those first that wait for `freeze`. */
  thaw(): void;
}

/** The system's runtime, pausable. */
export function pausableRuntime(): PausableRuntime {
  let thawed: ReturnType<typeof deferred<void>> | undefined;
  let due: (() => void)[] = [];
  const time: Time = {
    ...systemRuntime.time,
    setTimer(delayMs, callback, options) {
      let cancelled = false;
      const fire = (): void => {
        if (cancelled) return;
        if (thawed !== undefined) due.push(fire);
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
  const freeze = (): Promise<void> => (thawed ??= deferred<void>()).promise;
  const thaw = (): void => {
    thawed?.resolve();
    thawed = undefined;
    const missed = due;
    due = [];
    // The write that follows the pause comes first, as after SIGCONT a running function does.
    systemRuntime.time.setTimer(0, () => missed.forEach((fire) => fire()));
  };
  return {
    ...systemRuntime,
    time,
    freeze,
    thaw,
  };
}
