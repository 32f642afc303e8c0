/**
 * The desk: what all transactions of one `Tcc` work with, and one bounded call of a participant.
 */
import {
  linkedController,
  type Ms,
  QuorateError,
  type Runtime,
  sleep,
  withDeadline,
  type WorkBegins,
  workBegins,
} from "@quorate/core";

import type { Station } from "../kernel/contract.ts";
import type { TccCalling, TccEvents } from "./events.ts";
import type { TccSettings } from "./options.ts";
import type { TccParticipant } from "./participant.ts";
import type { TccRecord } from "./record.ts";

/** Participants of one kind of transaction. */
export type Served = ReadonlyMap<string, TccParticipant>;

/** What transactions share. */
export interface Desk {
  readonly runtime: Runtime;
  readonly settings: TccSettings;
  readonly events: TccEvents;
  readonly station: Station<TccRecord>;
  /** By the transaction's name. */
  readonly served: ReadonlyMap<string, Served>;
}

/** One call of a participant, which settles in bounded time whatever it does. */
export function bounded<T>(
  { runtime }: Pick<Desk, "runtime">,
  bounds: { readonly key: string; readonly timeoutMs: Ms; readonly signal: AbortSignal },
  call: (signal: AbortSignal) => T | PromiseLike<T>,
): Promise<T> {
  const { key, timeoutMs, signal } = bounds;
  const linked = linkedController(signal);
  const onTimeout = (): QuorateError<"TIMEOUT"> => {
    const message = `${key} was not answered in ${timeoutMs} ms; it may have happened`;
    const details = { operation: key, timeoutMs };
    const error = new QuorateError("TIMEOUT", message, { effect: "unknown", details });
    linked.abort(error);
    return error;
  };
  // A participant may throw before its first await.
  const answer = Promise.resolve().then(() => call(linked.signal));
  return withDeadline(runtime, answer, { timeoutMs, signal, onTimeout }).finally(linked.detach);
}

/** Calls a participant, within what a tracer wraps around the call. */
export function called<T>(
  { calling }: TccEvents,
  facts: Omit<TccCalling, keyof WorkBegins>,
  call: () => T,
): T {
  return calling.hasSubscribers ? workBegins(calling, facts)(call) : call();
}

/** The pause after `failures` in a row: doubling, jittered, bounded. */
export function pauseAfter({ runtime, settings }: Desk, failures: number): Ms {
  const doubled = settings.retryMs * 2 ** Math.min(30, Math.max(0, failures - 1));
  return Math.min(settings.maxRetryMs, doubled) * (0.5 + runtime.random.next() / 2);
}

/** Resolves after `ms`, or when `signal` aborts. Never rejects. */
export async function rest({ runtime }: Desk, ms: Ms, signal: AbortSignal): Promise<void> {
  await sleep(runtime, ms, { signal, keepAlive: false }).catch(() => {});
}
