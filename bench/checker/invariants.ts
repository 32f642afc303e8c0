/**
 * The near-linear checks: time for 200,000 lock operations.
 */
import { checkHolds, checkTokens, formatHistory, parseHistory } from "@quorate/simulator/checker";

import { nowMs } from "../harness/clock.ts";
import type { Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { median } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { makeHistory } from "./histories.ts";

const OPERATIONS = 200_000;
const BAR_MS = 1_000;

/** Holds and tokens of a long history; reading it from text, for the record. */
export const measureInvariants: Measure = async ({ quick }): Promise<Section> => {
  const rounds = quick ? 2 : 7;
  const history = makeHistory({
    kind: "mutex",
    operations: OPERATIONS,
    clients: 20,
    keys: 50,
    seed: 1,
  });
  const text = formatHistory(history);
  const mebibytes = figure(text.length / 2 ** 20);
  const checks: readonly (readonly [string, () => unknown])[] = [
    ["checkHolds", () => checkHolds(history)],
    ["checkTokens", () => checkTokens(history)],
    ["parseHistory", () => parseHistory(text)],
  ];
  const times = checks.map(([, run]) =>
    Array.from({ length: rounds + 1 }, () => {
      const startMs = nowMs();
      run();
      return nowMs() - startMs;
    }).slice(1),
  );
  const both = median(times[0] ?? []) + median(times[1] ?? []);
  return {
    title: "200,000 lock operations",
    method: `20 clients, 50 keys, ${rounds} rounds; the text has ${mebibytes} MiB.`,
    tables: [
      {
        head: ["check", "median ms", "max ms"],
        rows: checks.map(([name], index) => [
          name,
          figure(median(times[index] ?? [])),
          figure(Math.max(...(times[index] ?? []))),
        ]),
      },
    ],
    claims: [
      {
        name: "holds and tokens of 200,000 operations",
        bar: `< ${figure(BAR_MS)} ms`,
        measured: `${figure(both)} ms`,
        held: both < BAR_MS,
      },
    ],
  };
};
