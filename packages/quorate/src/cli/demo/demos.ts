/**
 * All demos, in the order in which they are best seen.
 */
import { cronDemo } from "./cron.ts";
import { idempotencyDemo } from "./idempotency.ts";
import { lockDemo } from "./lock.ts";
import { rpcDemo } from "./rpc.ts";
import { sagaDemo } from "./saga.ts";
import type { Demo } from "./story.ts";

/** The demos. */
export const DEMOS: readonly Demo[] = [cronDemo, lockDemo, idempotencyDemo, sagaDemo, rpcDemo];
