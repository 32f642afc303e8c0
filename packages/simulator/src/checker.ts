/**
 * `@quorate/simulator/checker`: histories, models, the linearizability checker, and invariants of
 * long histories. Needs nothing of the simulator.
 */
export {
  checkLinearizable,
  type CheckOptions,
  type Verdict,
  type Work,
} from "./checker/check-linearizable.ts";
export type { Explanation } from "./checker/explain.ts";
export type { EventType, HistoryEvent } from "./checker/history/event.ts";
export { type History, historyOf, type Operation } from "./checker/history/history.ts";
export {
  formatHistory,
  parseHistory,
  type ParseHistoryOptions,
} from "./checker/history/json-lines.ts";
export {
  HistoryRecorder,
  type Invocation,
  type OpenOperation,
  type RecordedProcess,
  type RecorderOptions,
  type RecordOptions,
} from "./checker/history/recorder.ts";
export {
  checkEffects,
  type EffectPromise,
  type EffectRecords,
  type EffectRequest,
} from "./checker/invariants/effects.ts";
export { checkHolds, type HoldsOptions } from "./checker/invariants/holds.ts";
export { checkLeaders, type Leadership } from "./checker/invariants/leaders.ts";
export type { InvariantReport, InvariantViolation } from "./checker/invariants/report.ts";
export {
  checkSagas,
  type SagaEffect,
  type SagaRecord,
  type SagasOptions,
} from "./checker/invariants/sagas.ts";
export { checkTicks, type TickRecords } from "./checker/invariants/ticks.ts";
export { checkFencedWrites, checkTokens } from "./checker/invariants/tokens.ts";
export { checkWatch, type WatchedChange, type WatchRecords } from "./checker/invariants/watch.ts";
export type { Hint, Model, ModelOperation, Step } from "./checker/model.ts";
export { casRegister } from "./checker/models/cas-register.ts";
export type { ClaimState, LockModelOptions } from "./checker/models/claims.ts";
export { fencedMutex } from "./checker/models/fenced-mutex.ts";
export { type LeaseExpiryOptions, withLeaseExpiry } from "./checker/models/lease-expiry.ts";
export { mutex } from "./checker/models/mutex.ts";
export { permits, type PermitsModelOptions } from "./checker/models/permits.ts";
export { readWriteLock } from "./checker/models/read-write-lock.ts";
export { register, type RegisterOptions } from "./checker/models/register.ts";
export { revisionRegister, type RevisionState } from "./checker/models/revision-register.ts";
