/**
 * Cancellation without leaks.
 *
 * A service has one long-lived shutdown signal and makes a million calls under it. Each helper
 * here takes its listener off again when its own work ends; `AbortSignal.any` does not on Node 20,
 * where every derived signal stays reachable from its parent.
 */
import type { Runtime } from "./runtime/runtime.ts";

/** Calls `listener` once when `signal` aborts, at once if it has. Returns the way to unsubscribe. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

/** Rejects with the signal's reason when it aborts first. Does not stop the work behind `promise`. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const unsubscribe = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(unsubscribe);
  });
}

/** Resolves after `ms`, rejects with the signal's reason if it aborts before. */
export function sleep(
  runtime: Pick<Runtime, "time">,
  ms: number,
  options: { readonly signal?: AbortSignal | undefined; readonly keepAlive?: boolean } = {},
): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return void reject(signal.reason);
    const timer = runtime.time.setTimer(
      ms,
      () => {
        unsubscribe();
        resolve();
      },
      { keepAlive: options.keepAlive ?? true },
    );
    const unsubscribe = onAbort(signal, () => {
      timer.cancel();
      reject(signal?.reason);
    });
  });
}

/** A controller that also aborts when a parent does, until `detach`. */
export interface LinkedController {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Takes the listeners off the parents. Call it when the work has ended. */
  detach(): void;
}

/** One signal out of several, whose parents forget it after `detach`. */
export function linkedController(
  ...parents: readonly (AbortSignal | undefined)[]
): LinkedController {
  const controller = new AbortController();
  const unsubscribe = parents.map((parent) =>
    onAbort(parent, () => controller.abort(parent?.reason)),
  );
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    detach: () => unsubscribe.forEach((off) => off()),
  };
}

/** A promise and its two ends; `Promise.withResolvers` is missing on Node 20. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** A promise to be settled from outside. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
