/**
 * When to wake whoever sleeps in the middle of a write: beyond its lease, and once somebody newer
 * has been at the shelf. On a busy machine the one does not follow the other at once, and until it
 * does the late write is no harm and is let through.
 */
import { type Backend, type FencingToken, sleep, systemRuntime } from "@quorate/core";
import { createGuard } from "@quorate/lock";
import { PAUSE_MS } from "./shop.ts";

/** What a sleeper holds. */
export interface Asleep {
  readonly item: string;
  readonly fencingToken: FencingToken;
}

const LOOK_MS = 50;
/** If nobody comes for so long, the sleeper is woken all the same, and the audit tells. */
const LONGEST_MS = 30_000;

/** Resolves when it is time to wake. */
export async function untilOvertaken(
  backend: Backend,
  { item, fencingToken }: Asleep,
): Promise<void> {
  const guard = createGuard(backend.kv);
  const { time } = systemRuntime;
  const untilMs = time.monotonicMs() + LONGEST_MS;
  await sleep(systemRuntime, PAUSE_MS);
  while (time.monotonicMs() < untilMs) {
    const record = await guard.peek(`stock/${item}`).catch(() => undefined); // Asked again.
    if (record !== undefined && record.floor > fencingToken) return;
    await sleep(systemRuntime, LOOK_MS);
  }
}
