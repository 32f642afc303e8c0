/** Layers that write down what happens to them. */
import type { Runtime } from "@quorate/core";

import type { Guard, Permit } from "./layer.ts";
import { type Policy, policyOf } from "./policy.ts";

/** A guard that writes into `log`; `enter` may be replaced. */
export function spyGuard(
  runtime: Runtime,
  log: string[],
  name: string,
  enter: () => Permit | Promise<Permit> = () => undefined,
): Policy {
  const guard: Guard = {
    kind: "guard",
    rank: "limit",
    runtime,
    enter() {
      log.push(`${name} in`);
      return enter();
    },
    succeed: () => void log.push(`${name} ok`),
    fail: () => void log.push(`${name} failed`),
    cancel: () => void log.push(`${name} cancelled`),
    settle: () => void log.push(`${name} settled`),
  };
  return policyOf(guard);
}

/** A promise that a test settles, and never an unhandled rejection. */
export function pending<T>(): {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** What a promise came to, without throwing. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}
