/**
 * Doing something until it is done, as the users of a store do.
 */
import { isQuorateError } from "@quorate/core";
import type { SimProcess } from "@quorate/simulator";

/** Does `once` over and over. A `QuorateError` is part of the work, anything else a defect. */
export async function forEver(
  process: SimProcess,
  restMs: number,
  once: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await attempt(once);
    await process.sleep(1 + process.runtime.random.next() * restMs);
  }
}

/** Whether it was done; a `QuorateError` means that it was not, or that nobody knows. */
export async function attempt(once: () => Promise<unknown>): Promise<boolean> {
  try {
    await once();
    return true;
  } catch (error) {
    if (!isQuorateError(error)) throw error;
    return false;
  }
}

/** Does `once` until it succeeds, and gives its answer. */
export async function insist<T>(process: SimProcess, once: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await once();
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      await process.sleep(100);
    }
  }
}
