/**
 * Leases of a twin whose engine has none of its own: `leasesOverKv`, as in production.
 *
 * They live in a part of the store that the process's own kv does not see, over the same link.
 * How old a record is the store tells, by the stamps from which it makes revisions: an age that
 * is as wrong as the store's wall clock was set.
 */
import { type Entry, type LeaseStore, leasesOverKv, type Lifecycle, type Ms } from "@quorate/core";
import { MemoryKv } from "./kv.ts";
import type { Process } from "./process.ts";

const DEFAULT_SKEW_ALLOWANCE_MS = 1_000;

/** Leases on the kv of `process`, which stay usable until `lifecycle` has closed. */
export function leasesOfKv(process: Process, lifecycle: Lifecycle): LeaseStore {
  const { runtime, bounds, store, twin } = process;
  const { requestTimeoutMs, minTtlMs } = bounds;
  const ageMs = async ({ revision }: Entry): Promise<Ms | undefined> => {
    const call = { signal: lifecycle.stopping, timeoutMs: requestTimeoutMs };
    const run = (): Ms => (store.clock.now().micros - revision) / 1_000;
    try {
      return await process.read("kv.age", call, run);
    } catch {
      return undefined;
    }
  };
  const kv = new MemoryKv(process);
  const { skewAllowanceMs = DEFAULT_SKEW_ALLOWANCE_MS } = twin;
  const common = { runtime, requestTimeoutMs, minTtlMs, lifecycle };
  return leasesOverKv(kv, { ...common, ageMs, skewAllowanceMs });
}
