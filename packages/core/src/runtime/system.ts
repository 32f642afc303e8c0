/**
 * The runtime of production: Node's clocks, timers, randomness and diagnostics channels.
 *
 * The one file of Quorate in which they may be named; `test/tidy.test.ts` sees to it.
 */
import { randomFillSync } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { invariant } from "../checks.ts";
import { createIds } from "./ids.ts";
import type { Events, Random, Runtime, Time, Timer, TimerOptions } from "./runtime.ts";

/** Node's own limit; a longer delay would fire at once. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** A third cheaper than `performance.now`, which checks its receiver; the same clock. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

const time: Time = {
  monotonicMs,
  wallMs: () => Date.now(),
  setTimer(delayMs, callback, options): Timer {
    invariant(!Number.isNaN(delayMs), "a timer's delay is not a number");
    if (delayMs <= 0 && options?.immediate === true) return nextTurn(callback, options);
    const endsAtMs = monotonicMs() + delayMs;
    let handle: NodeJS.Timeout;
    // Node truncates delays and reads its clock once a turn, so it may call a little early; and it
    // cannot count beyond 2³¹ ms. In both cases what is left is slept in another go.
    const due = (): void => (monotonicMs() >= endsAtMs ? callback() : arm());
    const arm = (): void => {
      const leftMs = Math.max(0, Math.ceil(endsAtMs - monotonicMs()));
      handle = setTimeout(due, Math.min(leftMs, LONGEST_TIMEOUT_MS));
      if (options?.keepAlive === false) handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Node's timers take a millisecond at least. */
function nextTurn(callback: () => void, options: TimerOptions): Timer {
  const handle = setImmediate(callback);
  if (options.keepAlive === false) handle.unref();
  return { cancel: () => clearImmediate(handle) };
}

const random: Random = {
  next: () => Math.random(),
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

const events: Events = {
  // Node's Channel has the shape of ours, so the guard is one property read on Node's own object.
  channel: (name: string) => channel(`quorate:${name}`),
};

/**
 * The runtime of this process. Backends use it when none is given.
 *
 * @example
 * import { systemRuntime } from "@quorate/core";
 * const startedMs = systemRuntime.time.monotonicMs();
 * console.log(systemRuntime.time.monotonicMs() >= startedMs); // => true
 */
export const systemRuntime: Runtime = { time, random, events, ids: createIds(time, random) };
