/**
 * `@quorate/resilience/opossum`: for users of opossum. A `CircuitBreaker` to change the import to,
 * and `fromOpossum` for those who keep theirs.
 */
export type { CacheTransport } from "./opossum/cache.ts";
export {
  type CircuitAction,
  CircuitBreaker,
  type CircuitFallback,
} from "./opossum/circuit-breaker.ts";
export type { CircuitError, CircuitErrorCode } from "./opossum/errors.ts";
export type { CircuitBreakerEvents } from "./opossum/events.ts";
export { fromOpossum, type OpossumBreaker, opossumEffect } from "./opossum/from-opossum.ts";
export type { CircuitBreakerOptions, CircuitState, CoalesceReset } from "./opossum/options.ts";
export {
  type Bucket,
  type Counts,
  type RotateController,
  type Stats,
  Status,
  type StatusOptions,
} from "./opossum/status.ts";
