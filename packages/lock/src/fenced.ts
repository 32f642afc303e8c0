/**
 * What a guard asks of a holder, and what the holder gets: a resource on which nobody older writes.
 */
import type { FencingToken } from "@quorate/core";
import type { FenceCall } from "./fence-store.ts";

/** What a guard needs of a holder: a lock has it, and so has a leader's term. */
export interface TokenHolder {
  readonly fencingToken: FencingToken;
  /** False for readers and permits: a floor would shut out the others who hold as rightfully. */
  readonly exclusive?: boolean;
  /** Throws when the holder knows that it is over. */
  check(): FencingToken;
}

/** One resource, opened by a holder. */
export interface Fenced {
  readonly resource: string;
  readonly fencingToken: FencingToken;
  /** Holds whatever pauses, as long as all access goes through guards. */
  readonly safety: "fenced";
  /**
   * The payload as of `open`, or this holder's last write; `undefined` before the first write (an
   * empty payload reads as `undefined` too).
   *
   * @throws STALE_TOKEN a newer holder has opened it: what was read before is out of date.
   * @throws LOCK_LOST the lock is over.
   */
  read(call?: FenceCall): Promise<Uint8Array | undefined>;
  /**
   * Writes, unless a newer holder was here. A string becomes UTF-8.
   *
   * @throws STALE_TOKEN a newer holder was here; nothing was written.
   * @throws LOCK_LOST the lock is over; nothing was written.
   * @throws OUTCOME_UNKNOWN no answer; the next `read` or `write` of this handle settles it first.
   */
  write(payload: Uint8Array | string, call?: FenceCall): Promise<void>;
  /** Asks the floor again, as just before an effect elsewhere. @throws STALE_TOKEN, LOCK_LOST */
  admit(call?: FenceCall): Promise<void>;
}
