/**
 * `npm run bench -- gossip`: how many rounds news takes, and how many never hear of it, on the
 * built package. Flags: see `harness/run.ts`.
 */
import { measureAsShipped, measureResidue, measureRounds } from "./gossip/tables.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("gossip", [measureRounds, measureResidue, measureAsShipped]);
