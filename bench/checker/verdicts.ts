/**
 * The linearizability checker: time to a verdict, over seeds.
 */
import {
  casRegister,
  checkLinearizable,
  fencedMutex,
  type History,
  register,
  withLeaseExpiry,
} from "@quorate/simulator/checker";

import { nowMs } from "../harness/clock.ts";
import type { Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { median } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { LEASE_MS, makeHistory, type Shape } from "./histories.ts";

const BAR_MS = 200;

type Kind = Shape["kind"];

const WORDS: Readonly<Record<Kind, string>> = {
  register: "register, 5 values",
  unique: "register, unique values",
  cas: "compare-and-set, 5 values",
  mutex: "fenced mutex",
  leases: "fenced mutex with leases",
};

const SORTS: readonly (readonly [string, Partial<Shape>])[] = [
  ["as it was", {}],
  ["2 % unknown", { unknown: 0.02 }],
  ["one lie", { spoiled: true }],
  ["one lie, 2 % unknown", { unknown: 0.02, spoiled: true }],
];

interface Row {
  readonly name: string;
  readonly medianMs: number;
  readonly maxMs: number;
  readonly verdicts: string;
}

/** 1,000 operations of 20 clients on one key: the promise. */
export const measureThousand: Measure = async ({ quick }): Promise<Section> => {
  const kinds: readonly Kind[] = ["register", "unique", "cas", "mutex", "leases"];
  const seeds = quick ? 5 : 25;
  const rows = kinds.flatMap((kind) =>
    SORTS.map(([sort, more]) => {
      const shape = { kind, operations: 1_000, clients: 20, ...more };
      return measure(`${WORDS[kind]}, ${sort}`, shape, seeds);
    }),
  );
  const worst = rows.reduce((a, b) => (a.medianMs > b.medianMs ? a : b));
  return {
    title: "1,000 operations of 20 clients on one key",
    method:
      `${seeds} seeds each, all 20 clients always busy; a lie is a stale answer, ` +
      "which may still be legal.",
    tables: [tableOf(rows)],
    claims: [
      {
        name: `a verdict, median of the slowest kind (${worst.name})`,
        bar: `< ${BAR_MS} ms`,
        measured: `${figure(worst.medianMs)} ms`,
        held: worst.medianMs < BAR_MS,
      },
    ],
  };
};

/** Larger ones. */
export const measureLarge: Measure = async ({ quick }): Promise<Section> => {
  const seeds = quick ? 2 : 7;
  const large = { operations: 10_000, clients: 20 };
  const rows = [
    measure("register, 10 clients", { kind: "register", operations: 10_000, clients: 10 }, seeds),
    measure("register, 20 clients", { kind: "register", ...large }, seeds),
    measure("register, 2 % unknown", { kind: "register", ...large, unknown: 0.02 }, seeds),
    measure("unique values, 2 % unknown", { kind: "unique", ...large, unknown: 0.02 }, seeds),
    measure("fenced mutex", { kind: "mutex", ...large }, seeds),
    measure(
      "100,000 operations, 100 keys",
      { kind: "register", operations: 100_000, clients: 20, keys: 100 },
      seeds,
    ),
  ];
  return {
    title: "10,000 operations and more",
    method: `${seeds} seeds each. "unknown" is the honest answer when the budget is used up.`,
    tables: [tableOf(rows)],
    claims: [],
  };
};

function measure(name: string, shape: Omit<Shape, "seed">, seeds: number): Row {
  const times: number[] = [];
  const verdicts = new Map<string, number>();
  for (let seed = 0; seed <= seeds; seed++) {
    const history = makeHistory({ ...shape, seed });
    const startMs = nowMs();
    const verdict = judge(shape.kind, history);
    // The first one warms up the compiler.
    if (seed === 0) continue;
    times.push(nowMs() - startMs);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  const text = [...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  return { name, medianMs: median(times), maxMs: Math.max(...times), verdicts: text };
}

function judge(kind: Kind, history: History): string {
  if (kind === "cas") return checkLinearizable(history, casRegister({ initial: 0 })).verdict;
  if (kind === "mutex") return checkLinearizable(history, fencedMutex()).verdict;
  if (kind === "leases") {
    const leased = withLeaseExpiry(fencedMutex(), { ttlMs: LEASE_MS });
    return checkLinearizable(history, leased).verdict;
  }
  return checkLinearizable(history, register({ initial: 0 })).verdict;
}

function tableOf(rows: readonly Row[]): { head: string[]; rows: string[][] } {
  return {
    head: ["history", "median ms", "max ms", "verdicts"],
    rows: rows.map(({ name, medianMs, maxMs, verdicts }) => [
      name,
      figure(medianMs),
      figure(maxMs),
      verdicts,
    ]),
  };
}
