/**
 * Work for a replicated stream that can be judged afterwards: a counter by compare-and-set, and
 * leases whose holders write down when they believed.
 */
import { type Backend, isQuorateError } from "@quorate/core";

/** What came of the increments. */
export interface Tally {
  acked: number;
  /** Unknown at first, and settled as applied. */
  recovered: number;
  /** Nobody could tell. */
  unknown: number;
  /** The longest that one call took. */
  longestMs: number;
  /** Codes of calls that failed without effect. */
  readonly failures: Map<string, number>;
}

/** Counts up `key` by compare-and-set until `done` with what came of it. */
export async function increment(
  backend: Backend,
  key: string,
  done: (tally: Tally) => boolean,
): Promise<Tally> {
  const tally: Tally = { acked: 0, recovered: 0, unknown: 0, longestMs: 0, failures: new Map() };
  while (!done(tally)) {
    const startedMs = performance.now();
    try {
      const entry = await backend.kv.get(key);
      const next = String(Number(Buffer.from(entry?.value ?? []).toString() || "0") + 1);
      const expect = entry?.revision ?? "absent";
      const result = await backend.kv.put(key, next, { expect });
      if (result.ok) tally.acked += 1;
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      tally.failures.set(error.code, (tally.failures.get(error.code) ?? 0) + 1);
      if (error.effect === "unknown") await settle(error, tally);
    }
    tally.longestMs = Math.max(tally.longestMs, performance.now() - startedMs);
  }
  return tally;
}

async function settle(error: { resolve?: () => Promise<string> }, tally: Tally): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const settled = await error.resolve?.().catch(() => undefined);
    if (settled === "applied") tally.recovered += 1;
    if (settled === "applied" || settled === "none") return;
  }
  tally.unknown += 1;
}

/** One time of holding, by the holder's own clock. */
export interface Held {
  readonly token: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Takes and gives back the lease `name` until `done`; what was held is added to `held`. */
export async function contend(
  backend: Backend,
  options: { name: string; ttlMs: number; held: Held[]; done: () => boolean },
): Promise<void> {
  const { done, held, name, ttlMs } = options;
  const { time, ids } = backend.runtime;
  while (!done()) {
    try {
      const owner = ids.unique();
      const grant = await backend.leases.acquire(name, { owner, ttlMs, waitMs: 1_000 });
      if (!grant.granted) continue;
      const fromMs = time.monotonicMs();
      await new Promise((resolve) => setTimeout(resolve, 5));
      // It stops believing when its own time is up, or just before it gives back.
      const untilMs = Math.min(time.monotonicMs(), grant.validUntilMs);
      if (untilMs > fromMs) held.push({ token: grant.fencingToken, fromMs, untilMs });
      await backend.leases.release(grant);
    } catch (error) {
      if (!isQuorateError(error)) throw error;
    }
  }
}

/** Pairs of holders who believed at the same time, and tokens that did not grow. */
export function judgeHolders(held: readonly Held[]): { overlaps: number; notGrown: number } {
  const inOrder = [...held].sort((a, b) => a.fromMs - b.fromMs);
  let overlaps = 0;
  let notGrown = 0;
  for (const [index, next] of inOrder.entries()) {
    const before = inOrder[index - 1];
    if (before === undefined) continue;
    if (next.fromMs < before.untilMs) overlaps += 1;
    if (next.token <= before.token) notGrown += 1;
  }
  return { overlaps, notGrown };
}
