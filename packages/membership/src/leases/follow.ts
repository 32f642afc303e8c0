/**
 * A watch on leases that begins anew when it breaks, for as long as somebody listens.
 */
import { type Backend, isQuorateError, type LeaseEvent, sleep } from "@quorate/core";
import { backoffMs } from "./backoff.ts";

/** What is done with what the watch tells. */
export interface Follower {
  /** A new watch begins: it tells the state first. */
  reopened(): void;
  take(event: LeaseEvent): void;
  failed(error: unknown, failures: number): void;
}

/** Never rejects. Resolves once `until` has aborted, or the backend is closed. */
export async function follow(
  backend: Pick<Backend, "leases" | "runtime">,
  prefix: string,
  follower: Follower,
  until: AbortSignal,
): Promise<void> {
  for (let failures = 0; !until.aborted;) {
    follower.reopened();
    try {
      for await (const event of backend.leases.watch(prefix, { signal: until })) {
        failures = 0;
        follower.take(event);
      }
    } catch (error) {
      if (until.aborted) return;
      follower.failed(error, failures + 1);
      if (isQuorateError(error, "CLOSED")) return;
    }
    failures += 1;
    const pauseMs = backoffMs(failures, backend.runtime.random);
    const pause = sleep(backend.runtime, pauseMs, { signal: until, keepAlive: false });
    await pause.catch(() => {});
  }
}
