/**
 * `@quorate/core`: the waist (kv, leases, bus), the runtime, errors and checks.
 */
export {
  type Deferred,
  deferred,
  type LinkedController,
  linkedController,
  onAbort,
  raceAbort,
  sleep,
} from "./abort.ts";
export { Bag, type Bagged } from "./bag.ts";
export { KeyedBag } from "./keyed-bag.ts";
export {
  type Around,
  type CallLeaves,
  callLeaves,
  type WorkBegins,
  workBegins,
} from "./beginnings.ts";
export { type ChannelFacts, CHANNELS, type EventLevel } from "./channels.ts";
export {
  boolean,
  boundedString,
  callable,
  inRange,
  invalidArgument,
  invariant,
  knownOptions,
  nonNegative,
  position,
  positive,
  positiveInteger,
  show,
  ttl,
} from "./checks.ts";
export { type DeadlineOptions, withDeadline } from "./deadline.ts";
export { DueHeap, type Waking } from "./due-heap.ts";
export type { Effect, ErrorCode, ErrorDetails, LossReason } from "./errors/codes.ts";
export { effectOf, retryAfterMsOf } from "./errors/facts.ts";
export {
  isQuorateError,
  QuorateError,
  type QuorateErrorOptions,
  type Resolution,
  type Resolve,
} from "./errors/quorate-error.ts";
export { refuse } from "./errors/refuse.ts";
export { safeCause, scrub } from "./errors/safe-cause.ts";
export { Feed, type FeedOptions } from "./feed.ts";
export {
  decodeFenceRecord,
  encodeFenceRecord,
  encodeToken,
  FENCE_HEADER_BYTES,
  type FenceRecord,
} from "./fence-record.ts";
export { type Json, type JsonBounds, type JsonResult, parseJson } from "./json.ts";
export { leaseLeftMs, leaseMarginMs, type LeaseWindow, leaseWindow } from "./lease-window.ts";
export { leasesOverKv, type LeasesOverKvOptions } from "./leases-over-kv/leases-over-kv.ts";
export { Lifecycle } from "./lifecycle.ts";
export {
  checkName,
  checkTarget,
  collectionOf,
  compareNames,
  decodeName,
  encodeName,
  isPrefix,
  matchesTarget,
  MAX_NAME_BYTES,
  MAX_SEGMENT_BYTES,
  MAX_SEGMENTS,
} from "./names.ts";
export { createIds } from "./runtime/ids.ts";
export type {
  EventChannel,
  Events,
  Ids,
  Random,
  Runtime,
  Time,
  Timer,
  TimerOptions,
} from "./runtime/runtime.ts";
export { systemRuntime } from "./runtime/system.ts";
export { SharedUse } from "./shared-use.ts";
export { quoteTable, type SqlClient } from "./sql-table.ts";
export {
  type InputSchema,
  isInputSchema,
  type Parsed,
  parserOf,
  type SchemaInput,
  type SchemaOutput,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from "./standard-schema.ts";
export { type TraceContext, traceContext } from "./trace.ts";
export type {
  Backend,
  BackendOptions,
  Capabilities,
  CloseOptions,
  Health,
  SafetyLevel,
} from "./waist/backend.ts";
export {
  type HandlerFailed,
  type MessagesDropped,
  publishHandlerFailure,
  publishMessagesDropped,
} from "./waist/bus-events.ts";
export {
  checkHeaders,
  type CheckedPublish,
  type CheckedRequest,
  type CheckedSubscribe,
  checkPublish,
  checkRequest,
  checkResponse,
  checkSubscribe,
  MAX_HEADER_VALUE_BYTES,
  MAX_HEADERS,
  readHeaders,
} from "./waist/bus-requests.ts";
export type {
  Message,
  MessageBus,
  MessageHandler,
  MessageHeaders,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  Subscription,
} from "./waist/bus.ts";
export type {
  CallOptions,
  FencingToken,
  ListOptions,
  Ms,
  Revision,
  Stale,
  Synced,
  WatchOptions,
  WriteOptions,
} from "./waist/common.ts";
export type {
  Change,
  DeleteOptions,
  DeleteResult,
  Entry,
  FencedWrites,
  FenceResult,
  KvStore,
  PutOptions,
  PutResult,
} from "./waist/kv.ts";
export type {
  Grant,
  LeaseEvent,
  LeaseHolder,
  LeaseRequest,
  LeaseState,
  LeaseStore,
  LeaseWaiter,
  ReleasableGrant,
  Refusal,
  Renewal,
} from "./waist/leases.ts";
export {
  checkCall,
  checkClaim,
  type CheckedCall,
  type CheckedDelete,
  type CheckedLease,
  type CheckedPut,
  checkDelete,
  checkLease,
  checkPut,
  checkValue,
  DEFAULT_REQUEST_TIMEOUT_MS,
  MAX_LEASE_DATA_BYTES,
  type RequestBounds,
} from "./waist/requests.ts";
