/**
 * The conformance suite on one set-up of Redis, in parts that each end within half a minute.
 */
import { type Harness, type Need, runConformance, type TestApi } from "@quorate/conformance";
import { afterAll, describe, expect, it } from "vitest";

/** Areas of the suite that take part of the time each. */
const FIRST = [
  "put and get",
  "delete",
  "list",
  "fenced writes",
  "bad input",
  "isolation",
  "leases",
  "lease queue",
  "weights",
  "bus",
  "bus, finer",
];

/** What a set-up without proxies cannot do to its links. */
export const WITHOUT_PROXIES: readonly Need[] = [
  "loseNextReply",
  "holdNextRequest",
  "cutLink",
  "restoreLink",
  "resetLink",
  "pauseProcess",
  "resumeProcess",
  "freeze",
  "thaw",
  "killServer",
  "restartServer",
];

/** Registers the areas of one part: 1, 2, or all. */
export function redisConformance(
  part: 1 | 2 | "all",
  createHarness: () => Promise<Harness>,
  without: readonly Need[],
): void {
  const wanted = (area: string): boolean => part === "all" || FIRST.includes(area) === (part === 1);
  const test: TestApi = {
    // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- handed on
    describe: (area, body) => (wanted(area) ? describe(area, body) : undefined),
    // The suite asserts by node:assert, which vitest does not count.
    // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
    it: (name, body) => it(name, async () => expect(await body()).toBeUndefined()),
    afterAll,
  };
  // A part is a cluster of six servers beside its clients: on a machine with much to do, cases side
  // by side hold up the event loop for longer than the shortest leases live.
  const concurrency = part === "all" ? 6 : 1;
  runConformance(test, createHarness, { without, concurrency });
}
