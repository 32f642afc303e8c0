/**
 * `npm run bench -- election`: what a leadership costs when it changes hands, beside the one
 * library for it on Redis that is used, and a lock polled by hand. Flags: see `harness/run.ts`.
 */
import { measureElection } from "./election/measure.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("election", [measureElection]);
process.exit();
