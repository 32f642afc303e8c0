/**
 * Words that all three interfaces of the waist share.
 *
 * What holds for every call: it ends as applied, none or unknown, and an exception says which by
 * `effect`; it settles within its deadline whatever the server does; asked again with the same
 * operation id or owner, it recognises the first.
 */

/** Milliseconds on the clock named in the field. */
export type Ms = number;

/** Grows with every write of a key and is never reused for it. Safe integer. */
export type Revision = number;

/**
 * Grows with every grant of a lease name; the resource refuses smaller ones. Safe integer on the
 * scale of microseconds since 1970: `max(previous token of this name + 1, the store's time in µs)`.
 *
 * HAZARD: it can go back only where the store's clock is set back past the last grant *and* the
 * store forgot that grant (flush, lossy failover).
 */
export type FencingToken = number;

/** What every call takes. */
export interface CallOptions {
  /** Gives up. A read or a wait rejects with its reason; a write in flight with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** The call's own deadline. @default the backend's `requestTimeoutMs`, 5000 unless set */
  readonly timeoutMs?: Ms;
}

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  /**
   * Name of this write, 1 to 64 characters of `[0-9A-Za-z_-]`. The same id again, while its effect
   * is the key's last write, answers as the first did (`replayed`). @default a fresh id
   */
  readonly operationId?: string;
}

/** Bounds of a page-wise listing. */
export interface ListOptions extends CallOptions {
  /** Entries fetched at a time. @default 500 */
  readonly pageSize?: number;
}

/** Bounds of a watch. */
export interface WatchOptions {
  /** Ends the watch: the iteration rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How often the link to the store may be silent before a watch says `stale`, and other states. */
export interface Stale {
  readonly kind: "stale";
  /** When the link was last known good, on the caller's monotonic clock. */
  readonly sinceMs: Ms;
}

/** The state has been told in full; what follows are changes. */
export interface Synced {
  readonly kind: "synced";
}
