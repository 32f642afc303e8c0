/**
 * `npm run bench -- rpc`: what a typed call costs, beside what Node.js services use today, all in
 * the same run. Flags: see `harness/run.ts`.
 */
import { measureSpeed } from "./rpc/speed.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("rpc", [measureSpeed]);
// Some peers leave sockets and timers behind that would keep the process.
process.exit();
