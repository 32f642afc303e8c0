/**
 * `npm run bench -- balance`: what becomes of calls under each balancer when one replica is ten
 * times slower, fails at once, or is like all others; and what a pick costs. Flags: see
 * `harness/run.ts`.
 */
import { measureEqual, measureFailing, measureSlow } from "./balance/fleets.ts";
import { measurePicks } from "./balance/picks.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("balance", [measureSlow, measureFailing, measureEqual, measurePicks]);
