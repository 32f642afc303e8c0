/**
 * `npm run bench -- simulator`: how fast simulated time passes, on the built package. Flags: see
 * `harness/run.ts`.
 */
import { runBenchmark } from "./harness/run.ts";
import { measureKernel, measureLocks } from "./simulator/worlds.ts";

await runBenchmark("simulator", [measureKernel, measureLocks]);
