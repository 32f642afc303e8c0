/**
 * `@quorate/idempotency`: calls that are safe to repeat.
 */
export type { SqlClient } from "@quorate/core";
export type { Answer, Answered, Begun, Execution, WorkContext } from "./begun.ts";
export { canonicalJson } from "./canonical.ts";
export type { CanonicalOptions } from "./canonical-writer.ts";
export { type Codec, jsonCodec } from "./codec.ts";
export { workOutcome, type WorkOutcome } from "./errors.ts";
export type {
  ClaimedEvent,
  EndedEvent,
  ForgottenEvent,
  MismatchEvent,
  RenewalFailedEvent,
  ReplayedEvent,
  SupersededEvent,
} from "./events.ts";
export { fingerprint } from "./fingerprint.ts";
export { createIdempotency } from "./engine.ts";
export type { Idempotency, PeekOptions, Work } from "./idempotency.ts";
export { inbox, type InboxOptions } from "./inbox.ts";
export { inTransaction, type InTransactionOptions } from "./in-transaction.ts";
export {
  type Isolation,
  type PooledSqlClient,
  runInTransaction,
  type RunInTransactionOptions,
  type SqlPool,
} from "./in-transaction-run.ts";
export { idempotencyKey, type KeyIdentity } from "./key.ts";
export {
  type BeginOptions,
  type CallDefaults,
  type Concurrent,
  DEFAULT_LEASE_MS,
  DEFAULT_TTL_MS,
  type IdempotencyOptions,
  type LocalCacheOptions,
  MAX_KEY_BYTES,
  MIN_LEASE_MS,
  type OnError,
  type OnUnencodable,
  type RunOptions,
} from "./options.ts";
export type { Forgotten, ForgetOptions, KeyFacts, KeyState } from "./peek.ts";
export {
  DEFAULT_SQL_TABLE,
  idempotencyTable,
  purgeExpired,
  type PurgeOptions,
} from "./postgres-table.ts";
export type { Repeatable, Wrapped, WrapOptions } from "./wrap.ts";
