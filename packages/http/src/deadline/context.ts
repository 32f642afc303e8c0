/**
 * Where a handler, and whatever it calls, finds the deadline of its request.
 *
 * `currentDeadline` follows the asynchronous flow of calls; `deadlineOf` asks the request itself,
 * for code that a callback of some library has lost the flow in.
 */
import { AsyncLocalStorage } from "node:async_hooks";

import type { LiveDeadline, RequestDeadline } from "./live-deadline.ts";

const flow = new AsyncLocalStorage<LiveDeadline>();
const deadlines = new WeakMap<object, LiveDeadline>();

/** The deadline of the request that is being served here; `undefined`: none was read. */
export function currentDeadline(): RequestDeadline | undefined {
  return flow.getStore();
}

/** The deadline of `request`: Express's `req`, Fastify's `request`, Hono's `c`, or a `Request`. */
export function deadlineOf(request: object): RequestDeadline | undefined {
  return deadlines.get(request);
}

/** Runs `inside` in the flow in which `currentDeadline` finds it. */
export function withinDeadline<T>(deadline: LiveDeadline, inside: () => T): T {
  return flow.run(deadline, inside);
}

/** Lets `deadlineOf` find it. */
export function rememberDeadline(request: object, deadline: LiveDeadline): void {
  deadlines.set(request, deadline);
}

/** For other doors of this package: of the request, or of the flow. */
export function liveDeadline(request?: unknown): LiveDeadline | undefined {
  const own = typeof request === "object" && request !== null ? deadlines.get(request) : undefined;
  return own ?? flow.getStore();
}
