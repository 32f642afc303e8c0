/**
 * Cancellation without leaks.
 *
 * A service has one long-lived shutdown signal and makes a million calls under it. Each helper
 * here takes its listener off again when its own work ends; `AbortSignal.any` does not on Node 20,
 * where every derived signal stays reachable from its parent.
 */
import type { Runtime } from "./runtime/runtime.ts";

/** Who listens to a signal, behind the one listener that the signal knows of. */
type Audience = Set<() => void>;

const audiences = new WeakMap<AbortSignal, { readonly audience: Audience; off(): void }>();

/**
 * Calls `listener` once when `signal` aborts, at once if it has. Returns the way to unsubscribe.
 *
 * However many listen, the signal has one listener: Node warns of a leak at the eleventh, and a
 * service that makes a hundred calls under its shutdown signal has no leak.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  const { audience, off } = audiences.get(signal) ?? gather(signal);
  const member = (): void => listener(); // Its own identity: one function may listen twice.
  audience.add(member);
  return () => {
    if (audience.delete(member) && audience.size === 0) off();
  };
}

function gather(signal: AbortSignal): { readonly audience: Audience; off(): void } {
  const audience: Audience = new Set();
  const off = (): void => {
    audiences.delete(signal);
    signal.removeEventListener("abort", tell);
  };
  const tell = (): void => {
    off();
    for (const member of [...audience]) {
      // A member that an earlier one has unsubscribed is not told.
      if (audience.delete(member)) isolated(member);
    }
  };
  signal.addEventListener("abort", tell, { once: true });
  const gathered = { audience, off };
  audiences.set(signal, gathered);
  return gathered;
}

/** One listener's defect must not keep the news from the next; it surfaces as an event's would. */
function isolated(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Rejects with the signal's reason if it aborts first. Does not stop the work behind `promise`. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const unsubscribe = onAbort(signal, () => reject(signal.reason));
    promise.then(
      (value) => {
        unsubscribe();
        resolve(value);
      },
      (error: unknown) => {
        unsubscribe();
        reject(error);
      },
    );
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
  /** Aborts `signal`, as `AbortController.abort` does. */
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
  /** Fulfils the promise; nothing happens if it is settled. */
  resolve(value: T): void;
  /** Rejects the promise; nothing happens if it is settled. */
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
