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
  /** The text of a record, for the store. */
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
  /** Where it is in the store: made once, as every write names it. */
  readonly key: string;
  record: R;
  revision: Revision;
}

/** Whether the id was free. */
export type Created<R> =
  | { readonly created: true; readonly held: Held<R> }
  | { readonly created: false; readonly found: Stored<R> };

/** How a record is written. */
export interface SaveOptions {
  /** Ended records are kept this long. @default for ever */
  readonly retentionMs?: Ms | undefined;
  /** What follows once it is stored, before the promise of the write resolves. */
  readonly onStored?: (() => Promise<void> | undefined) | undefined;
}

/** The instances of one protocol. */
export interface InstanceStore<R> {
  /**
   * Creates the record unless the id is taken. An unknown outcome is settled by reading back
   * before anything else happens.
   */
  create(id: string, record: R): Promise<Created<R>>;
  /** What is stored under `id`; `undefined`: nothing. @throws RECORD_INVALID */
  read(id: string): Promise<Stored<R> | undefined>;
  /**
   * Writes `next` if nobody wrote since; on return `held` has it. An unknown outcome is settled by
   * reading back: ours, and it goes on; another's, and it is overtaken.
   *
   * @throws OVERTAKEN somebody else wrote: this process must stop driving the instance.
   */
  save(held: Held<R>, next: R, options?: SaveOptions): Promise<void>;
  /**
   * As `save`, for what is computed of the record: where an operator's write came between and left
   * this owner in place, `change` is computed again on what is there now. A change that returns
   * the record it was given is not written.
   */
  apply(held: Held<R>, change: (record: R) => R, options?: SaveOptions): Promise<void>;
  /**
   * All that are stored, page by page; a record that is not ours is told as an event and skipped.
   */
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
  /** Who drives the instance, by its record. */
  ownershipOf(record: R): Ownership;
  /** The same record in other hands. */
  withOwnership(record: R, ownership: Ownership): R;
  /** Whether there is anything left to do without an operator. */
  isOpen(record: R): boolean;
  /** Whether this process has what it takes (serves the name and version). */
  canDrive(record: R, id: string): boolean;
  /**
   * Drives it as far as it goes. What it throws is told as an event, and the instance is driven
   * again later.
   */
  drive(held: Held<R>, context: DriveContext): Promise<void>;
  /** How long a record is kept once it is written, where a write does not say. @default for ever */
  retentionMsOf?(record: R): Ms | undefined;
  /** Somebody wrote, or may have written, an instance that this process drives: look at it. */
  nudged?(id: string): void;
}

/** What a drive is told of its worker. One object for all drives under one lease. */
export interface DriveContext {
  /**
   * Aborts when this worker lost its lease, or when the grace of its closing is over: then return
   * soon; writing on is harmless, for it would be refused.
   */
  readonly signal: AbortSignal;
  /** Aborts when the worker begins to close: end the step in hand, begin no other, return. */
  readonly closing: AbortSignal;
  /** Whether `closing` has aborted. To be asked often: a signal's own answer takes ten times it. */
  isClosing(): boolean;
  /**
   * Whether the lease is held by the clocks of this very moment. Ask before each effect: after a
   * pause of the process the signal's timer runs later than the code that was paused.
   */
  isHeld(): boolean;
}

/** The instances of one protocol, and the worker that drives them. */
export interface Station<R> extends InstanceStore<R> {
  /**
   * The ownership to create an instance with; waits for the worker's lease where it has none.
   *
   * @throws CLOSED, or the store's error: nothing was created.
   */
  ownership(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Ownership | Promise<Ownership>;
  /**
   * One write on top of what was read, whoever owns it: an operator's. `undefined`: somebody wrote
   * between, read again.
   */
  replace(stored: Stored<R>, next: R, options?: SaveOptions): Promise<Held<R> | undefined>;
  /** Drives what this process created or took. Never rejects; resolves when the drive ended. */
  drive(held: Held<R>): Promise<void>;
  /**
   * Tells whoever drives `id` that it was written, here or elsewhere. A hint: it may get lost, and
   * the next scan finds what it would have told.
   */
  nudge(id: string): void;
  /** Looks for orphans soon: `canDrive` says yes to more than before. */
  recover(): void;
}
