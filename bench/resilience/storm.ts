/**
 * The retry storm, simulated: how long a fleet suffers from a server that stalled for 5 seconds.
 */
import type { Runtime } from "@quorate/core";
import { admission, pipe, type Policy, resilient, retry, timeout } from "@quorate/resilience";

import type { Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure } from "../harness/table.ts";
import { runStorm, type Storm, type StormReport, TIMEOUT_MS } from "./storm-world.ts";

const RECOVERY_BAR_S = 5;
const SEEDS = [1, 2, 3];
const DURATION_MS = 60_000;

const attempt = (runtime: Runtime): Policy => timeout({ timeoutMs: TIMEOUT_MS, runtime });

/** Four attempts, whatever happens. */
const naive = (runtime: Runtime): Policy =>
  pipe(retry({ attempts: 4, budget: false, runtime }), attempt(runtime));

/** What `resilient` gives, told only the timeout. */
const preset = (runtime: Runtime): Policy =>
  resilient({ runtime, name: "server", attemptTimeoutMs: TIMEOUT_MS });

const budgeted = (runtime: Runtime): Policy => pipe(retry({ runtime }), attempt(runtime));
const gate = (runtime: Runtime): Policy => admission({ runtime });

/** Ways to call, and ways to be called. */
export const STORMS: readonly (readonly [string, Storm])[] = [
  ["no retry", { client: attempt }],
  ["3 retries with jitter", { client: naive }],
  ["retry with its default budget", { client: budgeted }],
  ["resilient()", { client: preset }],
  ["3 retries with jitter; server: admission()", { client: naive, server: gate }],
  ["retry with its default budget; server: admission()", { client: budgeted, server: gate }],
  ["resilient(); server: admission()", { client: preset, server: gate }],
];

/** All of them, and the claim about the defaults. */
export const measureStorm: Measure = async ({ quick }): Promise<Section> => {
  const rows: string[][] = [];
  let worstS = Number.NaN;
  for (const [name, storm] of STORMS) {
    const reports: StormReport[] = [];
    for (const seed of quick ? [1] : SEEDS) {
      reports.push(await runStorm(storm, { seed, durationMs: DURATION_MS }));
    }
    worstS = Math.max(...reports.map(({ recoveredAfterS }) => recoveredAfterS));
    const mean = (of: (report: StormReport) => number): number =>
      reports.reduce((sum, report) => sum + of(report), 0) / reports.length;
    rows.push([
      name,
      reports.map((report) => seconds(report.recoveredAfterS)).join(", "),
      `${figure(mean(({ wasted }) => wasted) * 100)} %`,
      figure(mean(({ amplification }) => amplification)),
    ]);
  }
  return {
    title: "A retry storm",
    method:
      "Simulated: 50 clients offer 900 calls/s to a server that can do 1,000; timeout 500 ms; " +
      "it stalls for 5 s. Recovered: from then on 95 % of each second's calls succeed. Seeds " +
      `${SEEDS.join(", ")}.`,
    tables: [
      { head: ["client; server", "recovered after", "work for nobody", "requests/call"], rows },
    ],
    claims: [
      {
        name: "the defaults on both sides recover",
        bar: `≤ ${RECOVERY_BAR_S} s`,
        measured: seconds(worstS),
        held: worstS <= RECOVERY_BAR_S,
      },
    ],
  };
};

function seconds(value: number): string {
  return value === Infinity ? "never" : `${value} s`;
}
