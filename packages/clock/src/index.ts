/**
 * `@quorate/clock`: logical clocks, version vectors, delivery orders and bounded physical time.
 */
// Ids, vector clocks, version vectors, siblings, sessions
export { checkNodeId, compareNodeIds, MAX_NODE_ID_BYTES, type NodeId } from "./node-id.ts";
export {
  SESSION_GUARANTEES,
  type SessionGuarantee,
  type SessionRequest,
  SessionToken,
  type SessionVerdict,
} from "./session/session-token.ts";
export type { Dot } from "./vector/dot.ts";
export { DottedVersion, type DottedVersionJson } from "./vector/dotted-version.ts";
export type { BoundOptions, EntriesJson, EntriesSource } from "./vector/entries-codec.ts";
export { type Causality, DEFAULT_MAX_ENTRIES, MOST_ENTRIES } from "./vector/entries.ts";
export type { PruneOptions } from "./vector/prune.ts";
export {
  jsonValues,
  type SiblingsDecodeOptions,
  type ValueCodec,
} from "./vector/siblings-codec.ts";
export { Siblings, type SiblingsOptions, type SiblingsReading } from "./vector/siblings.ts";
export { VectorClock } from "./vector/vector-clock.ts";
export { VersionVector } from "./vector/version-vector.ts";
// Lamport and hybrid clocks, interval tree clocks, physical time
export {
  checkLamportTimestamp,
  compareLamport,
  LamportClock,
  type LamportClockOptions,
  type LamportTimestamp,
} from "./lamport.ts";
export { type BoundStore, kvBoundStore } from "./hybrid/bound-store.ts";
export {
  type DurableHybridClock,
  openHybridClock,
  type OpenHybridClockOptions,
} from "./hybrid/durable.ts";
export {
  formatHybrid,
  hybridFromBigInt,
  hybridFromJson,
  type HybridJson,
  hybridToBigInt,
  hybridToJson,
  packHybrid,
  parseHybrid,
  unpackHybrid,
} from "./hybrid/encoding.ts";
export type {
  BoundNotStored,
  ClockAhead,
  DriftRefused,
  HybridClockEvent,
  NodeIdShared,
  WallSteppedBack,
} from "./hybrid/events.ts";
export {
  HybridClock,
  type HybridClockOptions,
  type HybridClockRuntime,
  type HybridClockStats,
} from "./hybrid/hybrid-clock.ts";
export { ReuseBound } from "./hybrid/reuse-bound.ts";
export {
  checkHybridTimestamp,
  compareHybrid,
  type HybridTimestamp,
  MAX_COUNTER,
  MAX_TIME_MS,
} from "./hybrid/timestamp.ts";
export { untilTrusted, type UntilTrustedOptions } from "./hybrid/trust.ts";
export { TreeStamp } from "./tree/tree-stamp.ts";
export { berkeley, type BerkeleyOptions, type BerkeleyRound } from "./physical/berkeley.ts";
export {
  cristian,
  type CristianExchange,
  type FourStamps,
  type Offset,
  offsetOf,
} from "./physical/exchange.ts";
export { type Agreement, type Interval, intervalOfAtLeast, marzullo } from "./physical/marzullo.ts";
export {
  type Exchange,
  type ExchangeVerdict,
  type OffsetEstimate,
  OffsetEstimator,
  type OffsetEstimatorOptions,
} from "./physical/offset-estimator.ts";
export { type BoundedTime, DEFAULT_DRIFT_PPM, type Reading } from "./physical/reading.ts";
export { type ClockSync, syncClock, type SyncClockOptions } from "./physical/sync-clock.ts";
export { SyncedClock, type SyncedClockOptions } from "./physical/synced-clock.ts";
export type {
  TimeAnswerRefused,
  TimePollFailed,
  TimeServerJumped,
  TimeSyncEvent,
  TimeWithoutMajority,
} from "./physical/time-events.ts";
export { serveTime, type ServeTimeOptions, type TimeServer } from "./physical/time-server.ts";
// Delivery orders: FIFO, causal and total broadcast
export type {
  AgreedEffect,
  AgreementEffect,
  AgreementInput,
  AgreementOptions,
} from "./delivery/agreement/effects.ts";
export { AgreementMachine } from "./delivery/agreement/agreement-machine.ts";
export { CausalMachine } from "./delivery/causal/causal-machine.ts";
export type { SendEffect, StreamEffect, StreamNotice } from "./delivery/fifo/effects.ts";
export {
  type BroadcastEffect,
  type BroadcastInput,
  type DeliverEffect,
  FifoMachine,
  type GroupView,
  type MachineOptions,
  type StreamInput,
} from "./delivery/fifo/fifo-machine.ts";
export type { StreamOptions } from "./delivery/fifo/options.ts";
export { type MemberId, memberId, nodeOf } from "./delivery/member.ts";
export type {
  OrderedEffect,
  SequencerEffect,
  SequencerInput,
  SequencerOptions,
} from "./delivery/sequencer/effects.ts";
export { SequencerMachine } from "./delivery/sequencer/sequencer-machine.ts";
export {
  type AgreedDelivery,
  type AgreedOrder,
  type AgreedOrderOptions,
  createAgreedOrder,
} from "./delivery/shell/agreed-order.ts";
export type { Placed } from "./delivery/shell/publications.ts";
export {
  type Broadcast,
  type BroadcastOptions,
  createCausalBroadcast,
  createFifoBroadcast,
  type Delivery,
  type PublishWait,
} from "./delivery/shell/broadcast.ts";
export type {
  AgreedOrderNotice,
  BroadcastNotice,
  DeliveryEvent,
  DeliverySubject,
  TotalOrderNotice,
} from "./delivery/shell/events.ts";
export type { GroupOptions } from "./delivery/shell/options.ts";
export type { OrderName } from "./delivery/shell/subjects.ts";
export {
  createTotalOrder,
  type LeadOptions,
  type OrderedDelivery,
  type TotalOrder,
  type TotalOrderOptions,
} from "./delivery/shell/total-order.ts";
export {
  type DataFrame,
  decodeFrame,
  type DigestFrame,
  encodeFrame,
  type Frame,
  type Head,
  type RangeFrame,
} from "./delivery/wire/frames.ts";
