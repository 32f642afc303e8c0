/**
 * Pauses between tries of what must not be given up: longer each time, and never two alike, so that
 * a fleet does not come back to a store all at once.
 */
import type { Ms, Random } from "@quorate/core";

const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** The pause after `failures` in a row: doubling from 50 ms to 2 s, less up to a half. */
export function backoffMs(failures: number, random: Pick<Random, "next">): Ms {
  const wholeMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return wholeMs * (0.5 + random.next() / 2);
}
