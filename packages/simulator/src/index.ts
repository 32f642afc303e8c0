/**
 * `@quorate/simulator`: deterministic simulation of distributed code, and the checker of what it
 * recorded.
 */
// The simulation: kernel and runs.
export type { NetworkConditions } from "./kernel/conditions.ts";
export type { DrainMode } from "./kernel/drain.ts";
export {
  describeFault,
  type Fault,
  type FaultOffer,
  type FaultPlan,
  Faults,
  type FaultValues,
} from "./kernel/faults.ts";
export type { GlobalsMode } from "./kernel/guard.ts";
export { DEFAULT_EPOCH_MS, Kernel, type KernelOptions, type Violation } from "./kernel/kernel.ts";
export { type DatagramHandler, type Disturbance, SimNetwork } from "./kernel/network.ts";
export { type DeathManner, type DiskFate, type NodeState, SimNode } from "./kernel/node.ts";
export type { Scheduler } from "./kernel/scheduler.ts";
export { parseSeed, type Seed, type SeedLike, Stream } from "./kernel/seed.ts";
export {
  formatEntry,
  type TraceEntry,
  type TraceKind,
  TraceLog,
  Witness,
} from "./kernel/witness.ts";
export { type Failure, failureText } from "./run/failure.ts";
export type { HistoryVerdict } from "./run/judge.ts";
export { drawPlan } from "./run/plan.ts";
export { SimProcess } from "./run/process.ts";
export { type FaultRate, type Profile, type ProfileName, profileOf } from "./run/profiles.ts";
export { runOnce, type RunOnceOptions, type RunOptions, type RunResult } from "./run/run-once.ts";
export type { SeedOptions } from "./run/run-seed.ts";
export { type OnFailure, type Progress, simulate, type SimulateOptions } from "./run/simulate.ts";
export type { SimulationReport } from "./run/tally.ts";
export { type Check, type ProcessOptions, World } from "./run/world.ts";
export { type FailingRun, shrink, type ShrinkOptions, type Shrunken } from "./shrink/shrink.ts";
export { type DiagramInput, type DiagramOptions, spaceTimeDiagram } from "./diagram/diagram.ts";
export type { WorkerScenario } from "./workers/protocol.ts";
export { simulateInWorkers, type WorkersOptions } from "./workers/simulate-in-workers.ts";
// The simulated engines.
export { createSimStore } from "./stores/create-sim-store.ts";
export type { EngineName, EngineTraits, Replication } from "./stores/engines.ts";
export {
  type FailoverOptions,
  type KillOptions,
  type Opener,
  type SimBackendOptions,
  SimStore,
  type SimStoreOptions,
} from "./stores/sim-store.ts";
// The checker, also as @quorate/simulator/checker.
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
export { TwinStore, type TwinStoreOptions } from "./stores/twin-store.ts";
