/**
 * The checker against the definition, on small random histories of every model.
 *
 * A wrong pruning shows here: see `docs/checker.md` for the mutants that it has killed. A failure
 * names the seed and prints the history.
 */
import { describe, expect, it } from "vitest";
import { bruteForce } from "./brute-force.fixture.ts";
import { checkLinearizable } from "./check-linearizable.ts";
import { formatHistory } from "./history/json-lines.ts";
import { randomHistory } from "./random-history.fixture.ts";
import { hashKeys } from "./search/zobrist.ts";
import { allWorkloads, type Dice, type Workload } from "./workloads.fixture.ts";

const HISTORIES = Number(process.env["QUORATE_HISTORIES"] ?? 7_000);
const FIRST_SEED = Number(process.env["QUORATE_SEED"] ?? 1);

function diceOf(seed: number): Dice {
  const next = hashKeys(seed * 7_919);
  return () => (next() >>> 0) / 2 ** 32;
}

function judge(workload: Workload, seed: number): { verdict: string; expected: string } {
  const dice = diceOf(seed);
  const operations = 3 + Math.floor(dice() * 5);
  const clients = 2 + Math.floor(dice() * 3);
  const unknown = [0, 0.15, 0.4][seed % 3] ?? 0;
  const spoiled = Math.floor(dice() * 3);
  const history = randomHistory(dice, workload.world(), { operations, clients, unknown, spoiled });
  const { verdict } = checkLinearizable(history, workload.model);
  const expected = bruteForce(history.operations, workload.reference ?? workload.model)
    ? "ok"
    : "illegal";
  if (verdict !== expected) {
    throw new Error(`seed ${seed}: ${verdict}, but it is ${expected}\n${formatHistory(history)}`);
  }
  if (spoiled === 0 && expected === "illegal") {
    throw new Error(`seed ${seed}: an unspoiled history is illegal\n${formatHistory(history)}`);
  }
  return { verdict, expected };
}

describe("the checker says what the definition says", () => {
  it.each(allWorkloads().map((workload) => [workload.name, workload] as const))(
    `of ${HISTORIES} histories of a %s, seeds ${FIRST_SEED} and up`,
    (_, workload) => {
      const counts = { ok: 0, illegal: 0 };
      for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
        counts[judge(workload, seed).expected as "ok"] += 1;
      }
      // Neither verdict is rare, so that agreeing means something.
      expect(Math.min(counts.ok, counts.illegal)).toBeGreaterThan(HISTORIES / 16);
    },
    60_000,
  );
});
