/**
 * Runs a kernel by hand, for tests of callbacks: no promise settles between its events.
 */
import type { Kernel } from "./kernel.ts";

/** Runs all events up to `untilMs`. */
export function pump(kernel: Kernel, untilMs: number): void {
  for (;;) {
    const step = kernel.scheduler.step(untilMs * 1_000);
    kernel.scheduler.leave();
    if (step !== "ran") return;
  }
}
