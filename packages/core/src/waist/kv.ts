/**
 * kv: a linearizable map from key to value and revision.
 *
 * It keeps what must survive: idempotency records, saga logs, the guard's floor. A condition that
 * does not hold is a result, not an exception; exceptions are `QuorateError`s whose `effect` says
 * whether the write happened.
 *
 * Keys are names (see `checkName`), `collection/id`; the collection may have `/` itself or be
 * empty. Values are bytes, at most `capabilities.maxValueBytes`.
 */
import type { CallOptions, ListOptions, Ms, Revision, Stale, Synced } from "./common.ts";
import type { WatchOptions, WriteOptions } from "./common.ts";
import type { FencingToken } from "./common.ts";

/** A value as the store holds it. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the last write. */
  readonly revision: Revision;
  /** Revision of the put that brought the key into being; kept until it is deleted or expires. */
  readonly createdRevision: Revision;
  /** Operation id of the last write: answers "was that mine?". */
  readonly operationId: string;
  /** Milliseconds of retention left when the store answered; absent: for ever. */
  readonly expiresInMs?: Ms;
}

/** Condition and retention of a put. */
export interface PutOptions extends WriteOptions {
  /** Write only if the key is at this revision, or absent (expired counts). @default always */
  readonly expect?: Revision | "absent";
  /** Retention: gone this long after the store took it. A put replaces it. @default for ever */
  readonly ttlMs?: Ms;
}

/** Condition of a delete. */
export interface DeleteOptions extends WriteOptions {
  /** Delete only if the key is at this revision. @default any */
  readonly expect?: Revision;
}

/**
 * A put's answer. `replayed`: this operation id had written already. Not ok: the condition did not
 * hold and nothing was written; `current` is what is there instead.
 */
export type PutResult =
  | { readonly ok: true; readonly entry: Entry; readonly replayed: boolean }
  | { readonly ok: false; readonly current: Entry | undefined };

/**
 * A delete's answer. Not ok: nothing was there (`current` undefined), or not at that revision.
 * In both cases the expected revision is not there any more.
 */
export type DeleteResult =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly current: Entry | undefined };

/** One step of a watch. */
export type Change =
  | { readonly kind: "put"; readonly entry: Entry }
  | {
      readonly kind: "delete";
      readonly key: string;
      readonly revision: Revision;
      readonly reason: "deleted" | "expired" | "unknown";
    }
  | Synced
  | Stale;

/** A linearizable map. Errors of every method: see `ErrorDetails`. */
export interface KvStore {
  /**
   * The entry of `key`. Sees every write that was applied before the call began (where
   * `capabilities.reads` is `"leader"`: except while a deposed leader still answers).
   * Absent, deleted and expired are all `undefined`.
   */
  get(key: string, options?: CallOptions): Promise<Entry | undefined>;

  /**
   * Writes `value` if `expect` holds, in one round trip. A string is stored as UTF-8.
   *
   * @throws OUTCOME_UNKNOWN it may have happened or may still happen: `error.resolve()` settles it.
   * @throws STORE_UNAVAILABLE it did not happen and will not.
   */
  put(key: string, value: Uint8Array | string, options?: PutOptions): Promise<PutResult>;

  /** Removes `key` if `expect` holds. Removing what is gone is an answer, not an error. */
  delete(key: string, options?: DeleteOptions): Promise<DeleteResult>;

  /**
   * Entries of one collection in the order of their keys' bytes, fetched page by page; each page
   * is a snapshot (of its partition), the whole is not. Entries of collections below are left out.
   */
  list(collection: string, options?: ListOptions): AsyncIterable<Entry>;

  /**
   * State first (`put` for each entry, then `synced`), then changes of one key, or of all below a
   * prefix (empty, or ending in `/`). Per key revisions only grow; intermediate ones may be
   * skipped; the last state always arrives, deletes and expiries too, also those that fell into a
   * disconnect. `stale` says that the link is down or silent; `synced` follows when it is whole
   * again. Unread events are coalesced per key: memory is bounded by the live keys. Ends by the
   * signal, by leaving the loop, or by `close()` of the backend.
   */
  watch(target: string, options?: WatchOptions): AsyncIterableIterator<Change>;

  /** Fenced writes in one step, where the engine can; else the guard builds them from `put`. */
  readonly fenced?: FencedWrites;
}

/** A fenced write's answer: taken, or refused because a newer token was here. */
export type FenceResult =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly floor: FencingToken };

/**
 * Writes that check and raise a floor in the same atomic step as their effect. The stored value is
 * a fence record (`encodeFenceRecord`), the same as the generic way over `put` makes.
 */
export interface FencedWrites {
  /** Raises the floor of `key` to `token` if it is not above it, keeping the payload. */
  raise(key: string, token: FencingToken, options?: WriteOptions): Promise<FenceResult>;
  /** Raises the floor and writes the payload, in one step; refused below the floor. */
  write(
    key: string,
    token: FencingToken,
    payload: Uint8Array,
    options?: WriteOptions,
  ): Promise<FenceResult>;
}
