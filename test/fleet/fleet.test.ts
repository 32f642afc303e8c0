/**
 * A short slice of `npm run fleet`: five processes whose clocks are wrong, killed, stopped and cut
 * off at random while they run a schedule of one second and elect a leader.
 */
import { describe, expect, it } from "vitest";

import { needs } from "../../scripts/servers/index.mjs";
import { runFleet } from "./campaign.ts";

const TICKS = 15;
/** Start, ticks, leases that end, and a busy machine. */
const LONGEST_MS = 150_000;

describe("five processes with clocks wrong by two seconds", () => {
  for (const engine of ["redis", "nats"] as const) {
    it.skipIf(needs(engine).skip).concurrent(
      `run each tick once or declare it, and have one leader at a time, on ${engine}`,
      async ({ expect: expectHere }) => {
        const seed = Date.now() % 1_000_000;
        const { findings, troubles } = await runFleet({ engine, ticks: TICKS, seed });
        const happened = troubles.kills + troubles.pauses + troubles.cuts;
        expectHere(findings.problems, `seed ${seed}`).toEqual([]);
        expectHere(findings.ran + happened, "nothing happened").toBeGreaterThan(TICKS / 2);
        expectHere(findings.terms, "nobody led").toBeGreaterThan(0);
      },
      LONGEST_MS,
    );
  }

  it("would be found out if one of them ran a tick twice, or lost it", async () => {
    const { judge } = await import("./judge.ts");
    const run = { kind: "began", job: "skips", key: "k", attempt: 1, token: 1, atMs: 0 } as const;
    const notes = [[{ ...run, tick: 0 }], [{ ...run, tick: 0 }]];
    const nothing = { skips: [], retries: [] };
    const evidence = { notes, history: nothing, ledger: [0, 1_000, 1_000] };
    const { problems } = judge({ ...evidence, firstTick: 0, lastTick: 2_000 });
    expect(problems).toEqual([
      expect.stringContaining("tick 0 ran 2 times"),
      expect.stringContaining("tick 1000 was lost"),
      expect.stringContaining("tick 2000 was lost"),
      expect.stringContaining("tick 1000 ran 2 times"),
      expect.stringContaining("tick 2000 was lost"),
    ]);
  });
});
