/**
 * The matrix as tests: a campaign on one rig, a claim for each fault, and what was measured.
 */
import { appendFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Campaign, type Outcome, WORKERS } from "./campaign.ts";
import type { Exclusion, Fault } from "./fault.ts";
import type { Route } from "./protocol.ts";

/** Set to a file's path, every outcome is added to it as a line of JSON: see `table.ts`. */
const OUTCOMES = "QUORATE_FAULT_OUTCOMES";
const SEED = 20_261_121;
const FAULT_TIMEOUT_MS = 60_000;

interface AnyRig {
  readonly title: string;
  readonly namespace: string;
  route(worker: number): Route;
  stop(): Promise<void>;
}

/** Faces `faults` in order, on the rig that `start` makes. */
export function matrix<R extends AnyRig>(
  title: string,
  faults: readonly Fault<R>[],
  start: (workers: number) => Promise<R>,
): void {
  // oxlint-disable-next-line vitest/valid-title -- the rig names itself
  describe(title, () => {
    let rig: R;
    let campaign: Campaign<R>;

    beforeAll(async () => {
      rig = await start(WORKERS);
      campaign = await Campaign.start(rig, SEED);
    }, FAULT_TIMEOUT_MS);

    afterAll(async () => {
      await campaign.abandon();
      await rig.stop();
    });

    for (const fault of faults) {
      it(
        `${fault.name}: ${heldBy(fault)}, and all three are granted again`,
        async () => {
          const outcome = await campaign.face(fault);
          keep(outcome, fault.exclusion);
          expect(outcome.verdict.violations).toEqual([]);
          expect(outcome.grants).toBeGreaterThan(0);
        },
        FAULT_TIMEOUT_MS,
      );
    }

    it("lets every worker end by itself", async () => {
      expect(await campaign.end()).toBe(true);
    });
  });
}

function heldBy<R>({ exclusion }: Fault<R>): string {
  return exclusion === "kept" ? "no two believe" : "no late write gets in";
}

/** One line of the file of outcomes. */
export type KeptOutcome = Omit<Outcome, "verdict"> & { readonly exclusion: Exclusion };

function keep({ fault, rig, recoveredMs, grants }: Outcome, exclusion: Exclusion): void {
  const file = process.env[OUTCOMES];
  if (file === undefined) return;
  const kept: KeptOutcome = { fault, rig, exclusion, recoveredMs, grants };
  appendFileSync(file, `${JSON.stringify(kept)}\n`);
}
