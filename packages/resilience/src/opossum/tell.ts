/**
 * Emits events of Node's `EventEmitter` so that no listener can harm the call it hears of.
 *
 * `emit` lets a listener's error fly into the one who emits. Here each listener is called by
 * itself; what it throws, or its promise rejects with, is reported and goes no further.
 */
import type { EventEmitter } from "node:events";

import type { Runtime } from "@quorate/core";

import { reportFailure } from "../emitter.ts";

/** Calls the listeners of `name`. Never throws. */
export function tell(
  emitter: Pick<EventEmitter, "listenerCount" | "rawListeners">,
  name: string,
  args: readonly unknown[],
  runtime: Runtime,
): void {
  if (emitter.listenerCount(name) === 0) return;
  for (const listener of emitter.rawListeners(name)) {
    try {
      const answer: unknown = Reflect.apply(listener, emitter, args);
      if (answer instanceof Promise) {
        answer.catch((error: unknown) => reportFailure(runtime, `listener of ${name}`, error));
      }
    } catch (error) {
      reportFailure(runtime, `listener of ${name}`, error);
    }
  }
}
