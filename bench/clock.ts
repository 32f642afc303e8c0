/**
 * `npm run bench -- clock`: what logical clocks cost, beside the libraries that Node.js services
 * use today, all measured in this run on the built package. Flags: see `harness/run.ts`.
 *
 * A part is a file in `clock/` with its measurements: `Measure` functions, each of which answers a
 * `Section` (tables made by `speedTable`, claims by `timesBestPeer` and `atLeastPerSecond` of
 * `harness/micro.ts`). `clock/hybrid.ts` exports `hybridTables(): readonly Measure[]`.
 */
import { hybridTables } from "./clock/hybrid.ts";
import { measureApart, measureCompare, measureMerge, measureWire } from "./clock/vectors.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("clock", [
  measureCompare,
  measureApart,
  measureMerge,
  measureWire,
  ...hybridTables(),
]);
