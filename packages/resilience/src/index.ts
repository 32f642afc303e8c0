/**
 * `@quorate/resilience`: calls that fail well.
 */
export type { Call, Repeat, RunOptions, Work } from "./call.ts";
export { type Classify, classifyError, type Outcome, type Verdict } from "./classify.ts";
export type { ListenerFailed } from "./emitter.ts";
export type { Guard, Layer, Loop, Next, Permit, Rank } from "./layer.ts";
export type { LiveCall } from "./live-call.ts";
export { pipe, type Policy, type WrapOptions } from "./policy.ts";
export { isRejection } from "./rejection.ts";
export { timeout, type TimeoutOptions } from "./timeout.ts";
