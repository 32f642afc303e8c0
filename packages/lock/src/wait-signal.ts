/**
 * The signal of one wait: the caller's and the end of the `Locks`, whichever comes first.
 *
 * Without a signal of the caller nothing is made at all: that is the common case, and the hot one.
 */
import { linkedController } from "@quorate/core";

/** A signal, and how its parents forget it. */
export interface WaitSignal {
  readonly signal: AbortSignal;
  detach(): void;
}

/** Aborts with the reason of `stopping` or of `caller`. */
export function waitSignal(stopping: AbortSignal, caller: AbortSignal | undefined): WaitSignal {
  return caller === undefined
    ? { signal: stopping, detach: () => {} }
    : linkedController(caller, stopping);
}
