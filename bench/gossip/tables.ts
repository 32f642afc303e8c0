/**
 * Gossip against the laws of epidemics.
 *
 * Not a race: rounds are counted, not timed, and each figure is a mean over fixed seeds, the same
 * on every machine. What is judged is whether the machine that runs in production spreads news as
 * fast as the literature says that it can.
 */
import { seededRandom } from "@quorate/core/testing";

import type { Claim } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure, type Table } from "../harness/table.ts";
import { type Epidemic, type EpidemicOptions, slope, spread } from "./rounds.ts";

const STYLES = ["push", "push-pull"] as const;
const LOSSES = [0, 0.1, 0.3];

type Given = Omit<EpidemicOptions, "random">;

/** Means over seeds. */
function mean(given: Given, seeds: number): Epidemic {
  const runs = Array.from({ length: seeds }, (_, seed) =>
    spread({ ...given, random: seededRandom(seed * 7_919 + given.size) }),
  );
  const of = (pick: (run: Epidemic) => number): number =>
    runs.reduce((sum, run) => sum + pick(run), 0) / seeds;
  return {
    rounds: of(({ rounds }) => rounds),
    residue: of(({ residue }) => residue),
    told: of(({ told }) => told),
    messages: of(({ messages }) => messages),
  };
}

/** Rounds until all know. */
export const measureRounds: Measure = async ({ quick }) => {
  const sizes = quick ? [8, 64, 512] : [8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
  const rows: string[][] = [];
  const slopes = new Map<string, number>();
  const columns = STYLES.flatMap((style) => LOSSES.map((lossRate) => ({ style, lossRate })));
  const points = columns.map(() => [] as [number, number][]);
  for (const size of sizes) {
    const seeds = Math.min(20, Math.max(quick ? 8 : 3, Math.round(8_000 / size)));
    const row = [String(size)];
    for (const [column, { style, lossRate }] of columns.entries()) {
      const { rounds, residue } = mean({ size, style, lossRate }, seeds);
      points[column]?.push([Math.log2(size), rounds]);
      row.push(residue > 0 ? `${figure(rounds)} *` : figure(rounds));
    }
    rows.push(row);
  }
  for (const [column, { style, lossRate }] of columns.entries()) {
    slopes.set(`${style} ${lossRate}`, slope(points[column] ?? []));
  }
  const percent = (lossRate: number): string => `${Math.round(lossRate * 100)} % loss`;
  const table: Table = {
    head: ["processes", ...columns.map(({ style, lossRate }) => `${style}, ${percent(lossRate)}`)],
    rows: [
      ...rows,
      ["a doubling adds", ...columns.map((it) => figure(slopes.get(key(it)) ?? Number.NaN))],
    ],
  };
  const claims = columns
    .filter(({ lossRate }) => lossRate === 0)
    .map((it) => {
      const law = it.style === "push" ? 1 + Math.LN2 : 1 / Math.log2(3);
      return near(`${it.style}: rounds a doubling`, slopes.get(key(it)) ?? Number.NaN, law, 0.25);
    });
  return {
    title: "Rounds until all know",
    method:
      "One rumour, one call a process and round (fanout 1), told until all know; means over " +
      "seeds. The laws: push log2 n + ln n (Pittel 1987), push-pull log3 n + O(log log n) (Karp " +
      "et al. 2000). A star: some run ended by its bound on rounds before all knew.",
    tables: [table],
    claims,
  };
};

/** Who never hears of it, if nobody compares. */
export const measureResidue: Measure = async ({ quick }) => {
  const size = 1_000;
  const rows: string[][] = [];
  const claims: Claim[] = [];
  for (const style of STYLES) {
    for (const stopAfter of [1, 2, 3, 4, 8]) {
      const [none, some, much] = LOSSES.map((lossRate) =>
        mean({ size, style, lossRate, stopAfter }, quick ? 3 : 12),
      ) as [Epidemic, Epidemic, Epidemic];
      rows.push([
        `${style}, stop after ${stopAfter}`,
        ...[none.told, none.messages, none.rounds].map(figure),
        ...[none, some, much].map(({ residue }) => `${figure(residue * 100)} %`),
      ]);
      if (style === "push" && stopAfter <= 3) {
        const name = `push, stop after ${stopAfter}: residue by e^-m`;
        claims.push(near(name, -Math.log(none.residue), none.told, 0.3));
      }
    }
  }
  return {
    title: "What rumours forget",
    method:
      "1000 processes, one rumour, dropped by a process once so many peers knew it already; " +
      "nobody compares. The law: of those told m times each a share of e^-m never hears of it " +
      "(Demers et al. 1987). A run ends when all know, so that told is less than its bound.",
    tables: [
      {
        head: ["", "told", "messages", "rounds", "residue", "at 10 % loss", "at 30 % loss"],
        rows,
      },
    ],
    claims,
  };
};

/** With comparisons, nobody is left out. */
export const measureAsShipped: Measure = async ({ quick }) => {
  const sizes = quick ? [64] : [64, 256, 1_024];
  const rows: string[][] = [];
  let worst = 0;
  for (const size of sizes) {
    for (const style of STYLES) {
      const cells = LOSSES.map((lossRate) => {
        const given = { size, style, lossRate, fanout: 3, stopAfter: 8, reconcileEvery: 25 };
        const { rounds, residue } = mean(given, quick ? 3 : 6);
        worst = Math.max(worst, residue);
        return figure(rounds);
      });
      rows.push([`${size}, ${style}`, ...cells]);
    }
  }
  return {
    title: "As shipped: three calls a round, and a comparison every 25 rounds",
    method:
      "Rounds until all know, with the defaults of createGossip. A round is 200 ms by default.",
    tables: [{ head: ["processes", "no loss", "10 % loss", "30 % loss"], rows }],
    claims: [
      {
        name: "nobody is left out, at any loss",
        bar: "residue 0",
        measured: `${figure(worst * 100)} %`,
        held: worst === 0,
      },
    ],
  };
};

function near(name: string, measured: number, law: number, within: number): Claim {
  const bar = `${figure(law)} ± ${figure(within)}`;
  return { name, bar, measured: figure(measured), held: Math.abs(measured - law) <= within };
}

function key({ style, lossRate }: { readonly style: string; readonly lossRate: number }): string {
  return `${style} ${lossRate}`;
}
