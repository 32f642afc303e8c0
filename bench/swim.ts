/**
 * `npm run bench -- swim`: SWIM with Lifeguard in a world of packets with simulated time: false
 * deaths under loss and stalls, how long a crash takes to be known, and what a thousand members
 * cost. Flags: see `harness/run.ts`.
 */
import { runBenchmark } from "./harness/run.ts";
import { measureThousand } from "./swim/crowd.ts";
import { measureFalseDeaths } from "./swim/false-deaths.ts";

await runBenchmark("swim", [measureFalseDeaths, measureThousand]);
