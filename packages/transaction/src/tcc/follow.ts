/**
 * Following a transaction that somebody else drives, until it ends or patience does.
 */
import { isQuorateError, type Ms, sleep } from "@quorate/core";

import type { Stored } from "../kernel/contract.ts";
import type { Desk } from "./desk.ts";
import { isOpen, type TccRecord } from "./record.ts";

const AGAIN_MS = 250;

/**
 * The record when it ended; or as it was seen last, when `patienceMs` were over.
 *
 * @throws the signal's reason; RECORD_INVALID.
 */
export async function follow(
  { station, runtime }: Pick<Desk, "station" | "runtime">,
  id: string,
  patienceMs: Ms,
  parent: AbortSignal | undefined,
): Promise<TccRecord | undefined> {
  const patience = new AbortController();
  const timer = runtime.time.setTimer(patienceMs, () => patience.abort());
  const stop = (): void => patience.abort();
  parent?.addEventListener("abort", stop);
  let last: TccRecord | undefined;
  try {
    while (!patience.signal.aborted && parent?.aborted !== true) {
      try {
        for await (const stored of station.watch(id, { signal: patience.signal })) {
          last = recordOf(stored, last);
          if (last !== undefined && !isOpen(last)) return last;
        }
      } catch (error) {
        if (isQuorateError(error, "RECORD_INVALID")) throw error;
        if (patience.signal.aborted) break;
        await sleep(runtime, AGAIN_MS, { signal: patience.signal }).catch(() => {});
      }
    }
    parent?.throwIfAborted();
    return last;
  } finally {
    timer.cancel();
    parent?.removeEventListener("abort", stop);
  }
}

/** A record that went away after it was seen tells nothing new. */
function recordOf(
  stored: Stored<TccRecord> | undefined,
  last: TccRecord | undefined,
): TccRecord | undefined {
  return stored?.record ?? last;
}
