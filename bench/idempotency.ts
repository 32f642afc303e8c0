/**
 * `npm run bench -- idempotency`: what idempotent calls cost, and which faults they withstand,
 * beside the libraries that Node.js services use today. Flags: see `harness/run.ts`; `--probes`
 * is `--only 2`, the fault probes alone.
 */
import { runBenchmark } from "./harness/run.ts";
import { measureFaults } from "./idempotency/faults.ts";
import { measureSpeed } from "./idempotency/speed.ts";

const probes = process.argv.indexOf("--probes");
if (probes !== -1) process.argv.splice(probes, 1, "--only", "2");

await runBenchmark("idempotency", [measureSpeed, measureFaults]);
// Some peers leave sockets and timers behind that would keep the process.
process.exit();
