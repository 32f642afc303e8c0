/**
 * `@quorate/resilience/p-retry`: p-retry's interface on our engine, and its options as a policy.
 */
export { fromPRetry, type FromPRetryOptions } from "./from-p-retry.ts";
export { AbortError } from "./p-retry-errors.ts";
export type { Options, RetryContext } from "./p-retry-options.ts";
export { makeRetriable, pRetry } from "./p-retry-run.ts";
