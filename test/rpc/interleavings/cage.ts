/**
 * Where a wrong variant of our code is explored: the entry of a bundle, in a thread of its own.
 */
import { parentPort, workerData } from "node:worker_threads";

import type { Plan } from "./plan.ts";
import { type Bounds, explore } from "./search.ts";

const { plan, bounds } = workerData as { readonly plan: Plan; readonly bounds: Bounds };
const report = await explore(plan, bounds);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(report);
