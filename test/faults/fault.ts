/**
 * A fault: what is done to the world, and what must hold all the same.
 */
import type { Kind } from "./protocol.ts";
import type { Worker } from "./fleet.ts";

/**
 * What of exclusion survives. `kept`: no two believe at once. `fenced`: the store forgot or misread
 * its grants, as its documentation says; two may believe, and no late write gets in.
 */
export type Exclusion = "kept" | "fenced";

/** Where a fault strikes. */
export interface Field<R> {
  readonly rig: R;
  readonly workers: readonly Worker[];
}

/** One line of the matrix. */
export interface Fault<R> {
  readonly name: string;
  readonly exclusion: Exclusion;
  /** What the store kept, by what it acknowledged. `lost`: the guarded counters may fall back. */
  readonly data: "kept" | "lost";
  /** Strikes; resolves when the world is whole again (but for who was killed). */
  strike(field: Field<R>): Promise<void>;
  /** Why it cannot be done on this machine; empty where it can. */
  cannot?(): string;
  /** Most time from the end of the fault until each primitive is granted again. @default 5000 */
  readonly recoveryMs?: number;
}

/** Sleeps. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Stops `worker` at a moment when it holds a `kind`. What it told travels for a moment, so it is
 * stopped first and looked at then; one that had given back is sent on, and caught again.
 */
export async function stopWhileHolding(worker: Worker, kind: Kind): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    await holding(worker, kind);
    worker.pause();
    await pause(15);
    if (isHolding(worker, kind)) return;
    worker.resume();
    await pause(5);
  }
  throw new Error(`${worker.name} was never caught holding a ${kind}`);
}

/** Resolves when `worker` has told that it holds a `kind` and not yet that it gives it back. */
export async function holding(worker: Worker, kind: Kind): Promise<void> {
  for (let looks = 0; looks < 5_000 && !isHolding(worker, kind); looks++) await pause(1);
}

function isHolding(worker: Worker, kind: Kind): boolean {
  const last = worker.told.findLast((told) => "id" in told && told.id.includes(`/${kind}/`));
  if (last === undefined) return false;
  return ["held", "believed", "writing", "wrote"].includes(last.type);
}

/** The worker at `index`; the matrix runs with three. */
export function workerOf(field: { readonly workers: readonly Worker[] }, index: number): Worker {
  const worker = field.workers[index];
  if (worker === undefined) throw new Error(`there is no worker ${index}`);
  return worker;
}
