/**
 * `npm run bench -- checker`: how long a verdict takes. There is no other such checker on npm to
 * stand beside, so the figures are absolute, and the line of the machine belongs to them. Flags:
 * see `harness/run.ts`.
 */
import { measureInvariants } from "./checker/invariants.ts";
import { measureLarge, measureThousand } from "./checker/verdicts.ts";
import { runBenchmark } from "./harness/run.ts";

await runBenchmark("checker", [measureThousand, measureLarge, measureInvariants]);
