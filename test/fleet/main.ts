/**
 * `npm run fleet -- --engine redis --ticks 1000`: five processes with wrong clocks run a schedule
 * of one second and elect a leader, and are killed, stopped and cut off at random; then all that
 * they wrote down is judged. `--seed` chooses the troubles. A thousand ticks take 17 minutes.
 *
 * Exit code 0: every claim held; 1: one did not.
 */
import { parseArgs } from "node:util";

import { type FleetReport, runFleet } from "./campaign.ts";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "redis" },
    ticks: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const [ticks, seed] = [Number(values.ticks), Number(values.seed)];
const { engine } = values;
if ((engine !== "redis" && engine !== "nats") || !(ticks >= 1) || !Number.isInteger(seed)) {
  console.error("usage: npm run fleet -- [--engine redis|nats] [--ticks 1000] [--seed 7]");
  process.exit(2);
}
console.log(`${ticks} ticks on ${engine}, seed ${seed}`);
const report = await runFleet({
  ...{ engine, ticks, seed },
  onProgress: (done, { kills, pauses, cuts }) =>
    console.log(`  tick ${Math.round(done)}: ${kills} killed, ${pauses} stopped, ${cuts} cut off`),
});
process.exitCode = print(report);

function print({ findings, troubles }: FleetReport): number {
  const { problems, declared, ran, retried, staleRefused, terms, seen } = findings;
  const { kills, pauses, cuts } = troubles;
  const outcomes = [...declared].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  console.log(`troubles: ${kills} killed, ${pauses} stopped, ${cuts} cut off`);
  console.log(`ticks: ${findings.ticks}, ${ran} ran; by the history: ${outcomes}`);
  console.log(`runs repeated after a crash: ${retried}, late writes refused: ${staleRefused}`);
  console.log(`leaders: ${terms} terms, seen ${seen} times`);
  for (const problem of problems) console.log(`  ✗ ${problem}`);
  console.log(problems.length === 0 ? "every claim held" : "FAILED");
  return problems.length === 0 ? 0 : 1;
}
