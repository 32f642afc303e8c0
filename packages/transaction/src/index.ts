/**
 * `@quorate/transaction`: Sagas, TCC, two-phase commit, barriers, outbox and inbox.
 */
export type { SqlClient } from "@quorate/core";
export { type Applied, applyOnce, decodeMarks, encodeMarks, NO_MARKS } from "./barrier/marks.ts";
export type { Mark, MarkCall, Marks } from "./barrier/marks.ts";
export type {
  Barrier,
  BranchView,
  GuardedRecordOptions,
  PassContext,
  PassWork,
  SettleContext,
} from "./barrier/barrier.ts";
export type { BarrierOptions, PassOptions } from "./barrier/options.ts";
export { type BranchKey, branchOf } from "./barrier/branch.ts";
export { createBarrier } from "./barrier/create-barrier.ts";
export type { BarrierConflict, BarrierRefused, BarrierRepeated } from "./barrier/events.ts";
export type {
  GuardedRecord,
  RecordChange,
  RecordChangeContext,
  RecordChanged,
  RecordChangeOptions,
} from "./barrier/guarded-record.ts";
export {
  doneOrThrow,
  type HttpAnswer,
  type HttpOutcome,
  outcomeOfError,
  outcomeOfResponse,
} from "./barrier/http-outcome.ts";
export {
  type BarrierAnswer,
  barrierInTransaction,
  type InTransactionBarrierOptions,
} from "./barrier/in-transaction.ts";
export type { BranchState, Operation as BarrierOperation } from "./barrier/machine.ts";
export type { Answers, TryOutcome } from "./barrier/record.ts";
export { barrierTable, purgeBarriers, type PurgeBarriersOptions } from "./barrier/sql-table.ts";
export type { ErrandOptions } from "./errands/options.ts";
export type {
  Created,
  DriveContext,
  Driver,
  Held,
  InstanceStore,
  Ownership,
  RecordCodec,
  SaveOptions,
  Station,
  Stored,
} from "./kernel/contract.ts";
export type { ScanEvent, TakeoverEvent, TroubleEvent, WorkerEvent } from "./kernel/events.ts";
export { createWorker, type Worker, type WorkerOptions } from "./kernel/worker.ts";
export { busTarget, type BusTargetOptions } from "./outbox/bus-target.ts";
export {
  type Emit,
  outboxCollection,
  type OutboxCollection,
  type OutboxCollectionOptions,
  type UpdateOptions,
} from "./outbox/collection.ts";
export { MESSAGE_ID_HEADER, type ReceivedMessage } from "./outbox/envelope.ts";
export type {
  OutboxCheckedEvent,
  OutboxDeadEvent,
  OutboxDeliveredEvent,
  OutboxFailedEvent,
  OutboxLagEvent,
  OutboxPartitionEvent,
  OutboxRecordInvalidEvent,
  OutboxTroubleEvent,
  OutboxVerbEvent,
} from "./outbox/events.ts";
export type { RelayRetry } from "./outbox/judge.ts";
export type { DeadLetter, MessageOptions, OutboxMessage, StoredMessage } from "./outbox/message.ts";
export { receive, type ReceiveOptions } from "./outbox/receive.ts";
export {
  createRelay,
  type Relay,
  type RelayOptions,
  type ServedPartition,
} from "./outbox/relay.ts";
export type {
  Backlog,
  DropReason,
  Job,
  Left,
  OutboxSource,
  Outcome,
  Shelf,
  ShelfContext,
} from "./outbox/source.ts";
export {
  messageBarrierTable,
  sqlMessageBarrier,
  type SqlMessageBarrier,
} from "./outbox/sql-message-barrier.ts";
export {
  type AddOptions,
  sqlOutbox,
  type SqlOutbox,
  type SqlOutboxOptions,
} from "./outbox/sql-outbox.ts";
export { outboxTable } from "./outbox/sql-table.ts";
export type { DeliveryContext, Publish, RelayTarget } from "./outbox/target.ts";
export {
  transactionalMessages,
  type TransactionalMessages,
  type TransactionalMessagesOptions,
} from "./outbox/transactional-messages.ts";
export { createSagas } from "./saga/create-sagas.ts";
export type { After, DecidedBuilder, SagaBuilder } from "./saga/define.ts";
export { branch, saga } from "./saga/define.ts";
export type {
  BranchOptions,
  CheckOf,
  ForwardOptions,
  PivotOptions,
  SagaOptions,
  StepOptions,
} from "./saga/define-options.ts";
export type { AnySaga, Saga, SagaInput, SagaOutput } from "./saga/define-saga.ts";
export type {
  Flat,
  IfStorable,
  NotStorable,
  OutputOf,
  Perhaps,
  Storable,
  With,
  WithAll,
} from "./saga/define-types.ts";
export type {
  SagaAttemptEvent,
  SagaDecidedEvent,
  SagaDefinitionChangedEvent,
  SagaEndedEvent,
  SagaStartedEvent,
  SagaStartingEvent,
  SagaStepEvent,
  SagaStuckEvent,
  SagaVerbEvent,
} from "./saga/events.ts";
export type { InputKind } from "./saga/inputs.ts";
export type { SagaInspection, StepInspection, TimelineEntry } from "./saga/inspect.ts";
export { sagaMermaid, type SagaSnapshot, type SnapshotStep } from "./saga/mermaid.ts";
export type {
  CheckAnswer,
  ChildModel,
  ParallelModel,
  RunContext,
  SagaModel,
  StageModel,
  StepModel,
  StepOutcome,
  StepRetry,
  UndoContext,
} from "./saga/model.ts";
export type { PayloadCodec } from "./saga/payloads.ts";
export type { AuditEntry, Decision, SagaState } from "./saga/record.ts";
export type {
  ResultOptions,
  SagaControl,
  SagaFilter,
  SagaHandle,
  Sagas,
  SagasOptions,
  StartOptions,
  VerbOptions,
} from "./saga/sagas.ts";
export type { InputSchema, SchemaInput, SchemaOutput } from "@quorate/core";
export type { Branch as TwoPhaseBranch } from "./two-phase/branch.ts";
export { createTwoPhase } from "./two-phase/engine.ts";
export type {
  DecidedEvent as TwoPhaseDecidedEvent,
  EndedEvent as TwoPhaseEndedEvent,
  ForeignEvent as TwoPhaseForeignEvent,
  ParticipantFailedEvent as TwoPhaseParticipantFailedEvent,
  SweptEvent as TwoPhaseSweptEvent,
} from "./two-phase/events.ts";
export { type KvHandle, kvParticipant, type KvParticipant } from "./two-phase/kv-participant.ts";
export {
  lastResourceTable,
  type LastResourceOptions,
  postgresLastResource,
} from "./two-phase/last-resource.ts";
export type { Vote } from "./two-phase/machine.ts";
export type { TwoPhaseOptions } from "./two-phase/options.ts";
export type {
  Answer as TwoPhaseAnswer,
  Ballot,
  Begun as BegunBranch,
  BranchCall,
  HandleOf,
  InDoubtBranch,
  Participant,
  Participants,
  Services as ParticipantServices,
} from "./two-phase/participant.ts";
export {
  type HeldLock,
  postgresParticipant,
  type PostgresParticipantOptions,
  preparedLocks,
  type SqlIsolation,
} from "./two-phase/postgres.ts";
export type { SqlConnection, SqlPool, SqlResult } from "./two-phase/postgres-sql.ts";
export type { Decision as TwoPhaseDecision } from "./two-phase/record.ts";
export type { TwoPhaseContext } from "./two-phase/run.ts";
export type { Swept } from "./two-phase/sweep.ts";
export type {
  InDoubt,
  Nobody,
  TwoPhase,
  TwoPhaseRunOptions,
  TwoPhaseWork,
} from "./two-phase/two-phase.ts";
export { createTcc } from "./tcc/create-tcc.ts";
export type { TccByHand, TccCalling, TccDecided, TccEnded, TccStuck } from "./tcc/events.ts";
export type { TccState } from "./tcc/machine.ts";
export type { ByHand, TccOptions, TccRunOptions } from "./tcc/options.ts";
export type {
  BranchContext,
  TccInput,
  TccParticipant,
  TccParticipants,
  TccResult,
  TryContext,
} from "./tcc/participant.ts";
export type { BranchStatus } from "./tcc/record.ts";
export { mayFree, type Reservation, type TccDecision } from "./tcc/reservation.ts";
export type {
  Tcc,
  TccBranchCall,
  TccBranchOptions,
  TccBranchView,
  TccKind,
  TccListOptions,
  TccTransaction,
  TccView,
} from "./tcc/tcc.ts";
