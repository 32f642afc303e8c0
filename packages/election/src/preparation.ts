/**
 * Between the election and the work: the lock-delay.
 *
 * A leader that was lost may be paused, and its last writes on their way to something that has no
 * guard. So its successor, where `lockDelayMs` says so, waits before it begins. It learns from the
 * record of terms whether it has to: a leader marks its end there before it gives up, and a mark
 * that is missing is a crash. The record of the own term is written before the work begins, else a
 * crash of this one would go unnoticed.
 *
 * Guarantees: no work begins sooner than `lockDelayMs` after the loss of the term before, if all
 * candidates say the same. Chubby and Consul call it the lock-delay.
 */
import { isQuorateError, type Ms, type Runtime, sleep } from "@quorate/core";
import { backoffMs } from "./backoff.ts";
import type { TermLog } from "./term-log.ts";

/** What a term is prepared with. */
export interface Preparing {
  readonly log: TermLog;
  readonly runtime: Runtime;
  readonly lockDelayMs: Ms;
  /** Aborts when there is nothing to prepare for any more. */
  readonly signal: AbortSignal;
  failed(error: unknown, failures: number): void;
}

/** `ready`, or a floor that the term does not reach: the store's tokens went back. */
export type Prepared =
  | { readonly kind: "ready"; readonly delayedMs: Ms }
  | { readonly kind: "behind"; readonly floor: number };

/** Waits as long as it must. Rejects with the signal's reason. */
export async function prepare(preparing: Preparing): Promise<Prepared> {
  const { log, runtime, lockDelayMs, signal } = preparing;
  if (lockDelayMs === 0) return { kind: "ready", delayedMs: 0 };
  const last = await insist(preparing, () => log.last(signal));
  if (last.kind === "behind") return last;
  // Its own term there is its own first try, whose answer was lost.
  const delayedMs = last.value?.state === "leading" ? lockDelayMs : 0;
  if (delayedMs > 0) await sleep(runtime, delayedMs, { signal });
  const begun = await insist(preparing, () => log.began(runtime.time.wallMs(), signal));
  return begun.kind === "behind" ? begun : { kind: "ready", delayedMs };
}

/** Tries until it is done, or cannot be. */
async function insist<T>(
  { runtime, signal, failed }: Preparing,
  attempt: () => Promise<T>,
): Promise<{ readonly kind: "done"; readonly value: T } | Extract<Prepared, { kind: "behind" }>> {
  for (let failures = 1; ; failures++) {
    try {
      return { kind: "done", value: await attempt() };
    } catch (error) {
      signal.throwIfAborted();
      if (isQuorateError(error, "STALE_TOKEN")) {
        return { kind: "behind", floor: error.details.floor };
      }
      failed(error, failures);
      await sleep(runtime, backoffMs(failures, runtime.random), { signal });
    }
  }
}
