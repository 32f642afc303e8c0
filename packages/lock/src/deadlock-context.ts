/**
 * Which locks this flow of calls holds: so that it does not wait for itself.
 *
 * JavaScript has no threads to ask, but `AsyncLocalStorage` follows a flow of calls. `run` opens a
 * context for its work; a claim inside it knows what is held above. Waiting for what one holds
 * oneself would never end, because `run` gives back only when the work has ended.
 *
 * Guarantees: two claims side by side (`Promise.all`) are never mistaken for nested ones. Does not
 * guarantee: to see through `acquire`, which has no scope that could carry a context; nor that a
 * claim inside is awaited by the work: one that is started there and left behind is refused too.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { HeldLease } from "./held-lease.ts";

interface Frame {
  /** The stores whose leases these are: two `Locks` on one backend see each other. */
  readonly store: object;
  readonly above: Frame | undefined;
  /** Empty once the work has ended; whatever it left running holds nothing any more. */
  leases: readonly HeldLease[];
}

const frames = new AsyncLocalStorage<Frame>();

/** Leases of `name` that this flow of calls holds by `run`. */
export function heldHere(store: object, name: string): readonly HeldLease[] {
  const held: HeldLease[] = [];
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.above) {
    if (frame.store !== store) continue;
    held.push(...frame.leases.filter((lease) => lease.target.name === name && lease.leftMs() > 0));
  }
  return held;
}

/** Runs `work` as one that holds `leases`. */
export async function holding<T>(
  store: object,
  leases: readonly HeldLease[],
  work: () => T | PromiseLike<T>,
): Promise<T> {
  const frame: Frame = { store, above: frames.getStore(), leases };
  try {
    return await frames.run(frame, async () => await work());
  } finally {
    frame.leases = [];
  }
}
