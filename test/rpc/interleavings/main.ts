/**
 * Explores every interleaving that the budgets allow, and prints how many there were.
 *
 *     node -C @quorate/source --import tsx test/rpc/interleavings/main.ts          the slice
 *     node -C @quorate/source --import tsx test/rpc/interleavings/main.ts --full   minutes
 *     node -C @quorate/source --import tsx test/rpc/interleavings/main.ts --mutants
 *
 * Exit codes: 0 nothing is wrong, 1 something is.
 */
import { exploreMutant, MUTANTS } from "./mutants.ts";
import { FULL, SLICE } from "./plan.ts";
import { explore } from "./search.ts";

const onlyMutants = process.argv.includes("--mutants");
for (const mutant of onlyMutants ? MUTANTS : []) {
  const { schedules, first } = await exploreMutant(mutant, { stopAtFirst: true });
  const isFound = mutant.told.test(first?.violation ?? "");
  if (!isFound) process.exitCode = 1;
  const verdict = isFound ? "found" : "NOT FOUND";
  console.log(`${mutant.name}: ${verdict} after ${schedules}: ${first?.violation ?? ""}`);
}

const plans = process.argv.includes("--full") ? FULL : SLICE;
for (const plan of onlyMutants ? [] : plans) {
  const startMs = performance.now();
  const { schedules, violations, first, isWhole } = await explore(plan, {
    maxSchedules: 2_000_000,
  });
  const tookS = (performance.now() - startMs) / 1_000;
  const rate = Math.round(schedules / tookS);
  const extent = isWhole ? "all" : "the first";
  console.log(
    `${plan.name}, ${plan.maxFaults} faults: ${extent} ${schedules} schedules, ` +
      `${violations} violations, ${tookS.toFixed(1)} s, ${rate} per second`,
  );
  if (first === undefined) continue;
  process.exitCode = 1;
  console.log(`${first.violation}\n${first.story.join("\n")}`);
}
