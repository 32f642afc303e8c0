/**
 * The kernel's contract: what saga, TCC and two-phase commit share.
 *
 * An instance is one record under one key. Whoever drives it writes it by compare-and-set on the
 * revision that it read or wrote last, so two drivers can never both go on: the slower one is
 * `OVERTAKEN` at its next write. A process holds one lease for all that it drives; an instance
 * whose owner's lease is gone is an orphan, and any process that can drive it takes it over by
 * writing itself into the record. That costs nothing while all is well: no lease and no write per
 * instance.
 */
import type { FencingToken, Ms, Revision } from "@quorate/core";

/** Who drives an instance. */
export interface Ownership {
  /** The worker's id: the name of its lease is made of it. Empty: nobody (not started, ended). */
  readonly owner: string;
  /** Grows with each takeover: the fencing token of the owner's lease when it took the instance. */
  readonly fence: FencingToken;
  /** Takeovers since the last progress: an instance that kills its workers is parked by it. */
  readonly takeovers: number;
}

/** How records of one protocol become text and back. Foreign text is never trusted. */
export interface RecordCodec<R> {
  encode(record: R): string;
  /** The record, or why it is not one of ours. */
  decode(
    text: string,
  ): { readonly ok: true; readonly record: R } | { readonly ok: false; readonly reason: string };
}

/** A record as the store has it. */
export interface Stored<R> {
  readonly id: string;
  readonly record: R;
  readonly revision: Revision;
}

/** A record that this process drives: what it read or wrote last. */
export interface Held<R> {
  readonly id: string;
  record: R;
  revision: Revision;
}

/** Whether the id was free. */
export type Created<R> =
  | { readonly created: true; readonly held: Held<R> }
  | { readonly created: false; readonly found: Stored<R> };

/** The instances of one protocol. */
export interface InstanceStore<R> {
  /**
   * Creates the record unless the id is taken. An unknown outcome is settled by reading back
   * before anything else happens.
   */
  create(id: string, record: R): Promise<Created<R>>;
  read(id: string): Promise<Stored<R> | undefined>;
  /**
   * Writes `next` if nobody wrote since; on return `held` has it. An unknown outcome is settled by
   * reading back: ours, and it goes on; another's, and it is overtaken.
   *
   * @throws OVERTAKEN somebody else wrote: this process must stop driving the instance.
   */
  save(held: Held<R>, next: R, options?: { readonly retentionMs?: Ms }): Promise<void>;
  /** All that are stored, page by page; a record that is not ours is told as an event and skipped. */
  list(options?: { readonly signal?: AbortSignal }): AsyncIterable<Stored<R>>;
  /** The record, then each state that follows it (some may be skipped, the last never). */
  watch(
    id: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<Stored<R> | undefined>;
}

/** A protocol, as the worker sees it. */
export interface Driver<R> {
  /** Collection of its records: `sagas`, `tcc`, `two-phase`. */
  readonly collection: string;
  readonly codec: RecordCodec<R>;
  ownershipOf(record: R): Ownership;
  withOwnership(record: R, ownership: Ownership): R;
  /** Whether there is anything left to do without an operator. */
  isOpen(record: R): boolean;
  /** Whether this process has what it takes (serves the name and version). */
  canDrive(record: R): boolean;
  /**
   * Drives it as far as it goes. `signal` aborts when this worker lost its lease or closes: then
   * return soon; writing on is harmless, for it would be refused.
   */
  drive(held: Held<R>, context: { readonly signal: AbortSignal }): Promise<void>;
}
