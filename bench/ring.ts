/**
 * `npm run bench -- ring`: what placing keys costs, and whether it is right, beside the libraries
 * that Node.js services use today, all measured in this run on the built package. Flags: see
 * `harness/run.ts`.
 *
 * A part is a file in `ring/` with its measurements: `Measure` functions, each of which answers one
 * `Section` (tables made by `speedTable`, claims by `timesBestPeer` and `atLeastPerSecond` of
 * `harness/micro.ts`).
 */
import { runBenchmark } from "./harness/run.ts";
import { measureBuild, measureChange } from "./ring/changes.ts";
import { measureOwner, measureOwners } from "./ring/lookups.ts";
import { measureMovement, measureSpread } from "./ring/movement.ts";
import { placementTables } from "./ring/placements.ts";

await runBenchmark("ring", [
  measureOwner,
  measureOwners,
  measureBuild,
  measureChange,
  measureMovement,
  measureSpread,
  ...placementTables(),
]);
