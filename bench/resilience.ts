/**
 * `npm run bench -- resilience`: what calls cost under policies, beside the libraries that Node.js
 * services use today, and whether a fleet recovers from a stall. Flags: see `harness/run.ts`.
 */
import { measureBytes } from "./resilience/bytes.ts";
import { measureBreaker, measureFour, measureRetry } from "./resilience/calls.ts";
import { measureStorm } from "./resilience/storm.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("resilience", [
  measureBreaker,
  measureRetry,
  measureFour,
  measureBytes,
  measureStorm,
]);
