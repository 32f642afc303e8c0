/**
 * Ids from a runtime's own time and chance, so that a simulated run names things alike each time.
 *
 * `unique` is a UUID version 7 by the `uuid` package (RFC 9562, section 5.7), fed from outside.
 * `operation` is for the hot path, where a UUID per write would cost more than the write's own
 * bookkeeping: a random prefix drawn once, and a counter.
 */
import { v7 } from "uuid";
import type { Ids, Random, Time } from "./runtime.ts";

const PREFIX_LENGTH = 16;
/** Digits of the counter that stand for a block of ids, and those within it. */
const BLOCK_LENGTH = 6;
const WITHIN_LENGTH = 2;
/** All that may stand within a block: looked up, as spelling a number out takes ten times it. */
const WITHIN = Array.from({ length: 36 ** WITHIN_LENGTH }, (_, count) =>
  digits(count, WITHIN_LENGTH),
);

/** Ids that draw on `time` and `random` alone. */
export function createIds(time: Pick<Time, "wallMs">, random: Random): Ids {
  let prefix = "";
  let block = "";
  let count = 0;
  let sequence: number | undefined;
  let lastMs = -Infinity;
  return {
    unique() {
      // A clock that was set back must not make ids go back: they sort by birth.
      const msecs = Math.max(Math.floor(time.wallMs()), lastMs);
      sequence = msecs === lastMs && sequence !== undefined ? sequence + 1 : drawSequence(random);
      lastMs = msecs;
      return v7({ msecs, seq: sequence, random: random.bytes(16) });
    },
    operation() {
      if (prefix === "") prefix = drawPrefix(random);
      const within = count % WITHIN.length;
      if (within === 0) block = prefix + digits(count / WITHIN.length, BLOCK_LENGTH);
      count += 1;
      return block + (WITHIN[within] as string);
    },
  };
}

/** Half of the counter's range stays free, so that one millisecond can hold 2³⁰ ids in order. */
function drawSequence(random: Random): number {
  return Math.floor(random.next() * 2 ** 30);
}

/** 16 base-36 characters, 80 random bits: two processes in a thousand million do not meet. */
function drawPrefix(random: Random): string {
  const bytes = random.bytes(PREFIX_LENGTH);
  return Array.from(bytes, (byte) => (byte % 32).toString(36)).join("");
}

function digits(count: number, length: number): string {
  return count.toString(36).padStart(length, "0");
}
