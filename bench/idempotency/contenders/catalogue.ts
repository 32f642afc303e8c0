/** The libraries, ours first. */
import type { Contender } from "./contender.ts";
import { expressIdempotency } from "./express-idempotency.ts";
import { nodeIdempotency } from "./node-idempotency.ts";
import { powertools, powertoolsValidating } from "./powertools.ts";
import { quorate } from "./quorate.ts";

/** All that are probed. */
export const PROBED: readonly Contender[] = [
  quorate,
  powertools,
  powertoolsValidating,
  nodeIdempotency,
  expressIdempotency,
];

/** Those with a Redis, whose speed is measured. */
export const TIMED: readonly Contender[] = [quorate, powertools, nodeIdempotency];
