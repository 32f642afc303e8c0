/**
 * `@quorate/resilience`: calls that fail well.
 */
// Policies as values.
export type { Call, Repeat, RunOptions, Work } from "./call.ts";
export { type Classify, classifyError, type Outcome, type Verdict } from "./classify.ts";
export type { ListenerFailed } from "./emitter.ts";
export type { Guard, Layer, Loop, Next, Permit, Rank, Rescue } from "./layer.ts";
export type { LiveCall } from "./live-call.ts";
export { pipe, type Policy, type WrapOptions } from "./policy.ts";
export { isRejection } from "./rejection.ts";
export { Resilient, resilient, type ResilientOptions } from "./resilient.ts";
export { timeout, type TimeoutOptions } from "./timeout.ts";
// Again, or something else instead.
export {
  type Backoff,
  backoff,
  type BackoffKinds,
  type BackoffStep,
  type ExponentialBackoffOptions,
  type GrowingBackoffOptions,
} from "./backoff.ts";
export type { RetryBudget } from "./budget.ts";
export { LastGood, lastGood, type LastGoodOptions } from "./degrade.ts";
export {
  type DegradedEvent,
  Fallback,
  fallback,
  type FallbackEvents,
  type FallbackOptions,
  type FallbackStats,
  type FallbackWork,
} from "./fallback.ts";
export type {
  HedgeBudgetEmptyEvent,
  HedgeEvents,
  HedgeOptions,
  HedgeStats,
  HedgeWonEvent,
  HedgingEvent,
} from "./hedge-options.ts";
export { Hedge, hedge } from "./hedge.ts";
export { RecentDurations } from "./percentile.ts";
export { repeatable } from "./repeatable.ts";
export { retryBudget, type RetryBudgetOptions } from "./retry-budget.ts";
export type {
  BudgetEmptyEvent,
  ExhaustedEvent,
  ExhaustedReason,
  RetryEvents,
  RetryingEvent,
  RetryOptions,
  RetryStats,
} from "./retry-options.ts";
export { Retry, retry } from "./retry.ts";
// The breaker, alone and in a fleet.
export type {
  BreakerEvents,
  BreakerRejected,
  BreakerStaleResult,
  BreakerState,
  BreakerTransition,
} from "./breaker-events.ts";
export type {
  BreakerOptions,
  BreakerProbes,
  BreakerReset,
  BreakerTrip,
  BreakerWindow,
} from "./breaker-options.ts";
export type { BreakerSnapshot } from "./breaker-snapshot.ts";
export { Breaker, breaker, type BreakerStats } from "./breaker.ts";
export type { Fleet, FleetVerdict, JoinFleet, LocalEvidence, Tally } from "./fleet.ts";
export type { FleetFailed, FleetTurned } from "./shared/events.ts";
export {
  type FleetControl,
  fleetControl,
  type FleetOrder,
  type FleetStanding,
} from "./shared/fleet-control.ts";
export { type ListedFleet, listFleets, type ListFleetsOptions } from "./shared/fleet-list.ts";
export type { SharedOptions } from "./shared/settings.ts";
export type { FleetStats } from "./shared/shared-fleet.ts";
export { sharedThrough } from "./shared/shared-through.ts";
// Limits: how many at once.
export {
  adaptive,
  type AdaptiveEvents,
  AdaptiveLimiter,
  type AdaptiveOptions,
  type AdaptiveStats,
} from "./adaptive.ts";
export type {
  AdmissionEvents,
  AdmissionOptions,
  AdmissionStats,
  ShedReason,
} from "./admission-options.ts";
export { Admission, admission } from "./admission.ts";
export { aimdLimit, type AimdOptions } from "./aimd.ts";
export type { Unserved } from "./bulkhead-places.ts";
export {
  Bulkhead,
  bulkhead,
  type BulkheadEvents,
  type BulkheadOptions,
  type BulkheadStats,
} from "./bulkhead.ts";
export { gradientLimit, type GradientOptions } from "./gradient.ts";
export type { LimitAlgorithm, LimitBounds, LimitMachine, LimitSample } from "./limit-machine.ts";
export type { LimitOptions } from "./limit-tracker.ts";
export type { QueueOrder } from "./queue.ts";
export { vegasLimit } from "./vegas.ts";
// Limits: how many in a time.
export type { RateLimitEvents, RateRefused } from "./rate-events.ts";
export { RateLimiter, rateLimit, type RateLimitStats } from "./rate-limit.ts";
export type { RateCounts } from "./rate-line.ts";
export type { RateLimitOptions, RateOptions } from "./rate-options.ts";
export {
  exactRateLimit,
  ExactRateLimiter,
  type ExactRateLimitEvents,
  type ExactRateLimitStats,
} from "./slices/exact-rate-limit.ts";
export {
  sharedRateLimit,
  SharedRateLimiter,
  type SharedRateLimitEvents,
  type SharedRateLimitOptions,
  type SharedRateLimitStats,
  type SliceChanged,
  type SliceStoreLost,
} from "./slices/shared-rate-limit.ts";
export {
  type SharedRetryBudget,
  sharedRetryBudget,
  type SharedRetryBudgetOptions,
} from "./slices/shared-retry-budget.ts";
export type { SliceOptions } from "./slices/slice-options.ts";
export type { OnStoreLost } from "./slices/tenure.ts";
export {
  Throttle,
  throttle,
  type ThrottleEvents,
  type ThrottleOptions,
  type ThrottleStats,
} from "./throttle.ts";
