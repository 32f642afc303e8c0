/**
 * `npm run bench -- saga`: what a saga of three steps costs, on each engine, beside DBOS on
 * PostgreSQL and node-sagas in memory. Flags: see `harness/run.ts`.
 */
import { runBenchmark } from "./harness/run.ts";
import { measureSpeed } from "./saga/speed.ts";
import { measureWrites } from "./saga/writes.ts";

await runBenchmark("saga", [measureSpeed, measureWrites]);
// Some peers leave sockets and timers behind that would keep the process.
process.exit();
