/**
 * A call's own deadline.
 *
 * Client libraries do not notice a frozen server, and their timeouts do not withdraw a command. So
 * each call of an engine is raced against a timer of ours and the caller's signal, and settles in
 * bounded time whatever the server does. What the late answer would have said is lost on purpose:
 * the outcome is then unknown, and the error must say so; hence the caller makes it.
 */
import { onAbort } from "./abort.ts";
import type { Runtime } from "./runtime/runtime.ts";

/** Bounds of one call. */
export interface DeadlineOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The error once `timeoutMs` have passed. */
  readonly onTimeout: () => unknown;
  /** The error once the signal aborts. @default the signal's reason */
  readonly onAborted?: (reason: unknown) => unknown;
}

/** Settles with `promise`, or with the error of the bound that was met first. */
export function withDeadline<T>(
  runtime: Pick<Runtime, "time">,
  promise: Promise<T>,
  options: DeadlineOptions,
): Promise<T> {
  const { signal } = options;
  return new Promise<T>((resolve, reject) => {
    const timer = runtime.time.setTimer(options.timeoutMs, () => {
      unsubscribe();
      reject(options.onTimeout());
    });
    const unsubscribe = onAbort(signal, () => {
      timer.cancel();
      reject(options.onAborted === undefined ? signal?.reason : options.onAborted(signal?.reason));
    });
    const settle = (): void => {
      timer.cancel();
      unsubscribe();
    };
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}
