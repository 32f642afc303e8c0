/**
 * Membership: who belongs to a group, and who of them is alive, as one process sees it.
 *
 * Three kinds share this interface. Heartbeats over a bus for small groups, leases in a store
 * where one is there, and SWIM for large groups and for none of the two. What a process believes
 * of others is a belief: a member that is `down` here may be alive, and two processes may differ
 * for a while. What must not happen twice needs a lease and its fencing token.
 */
import type { Ms, Stale, Synced } from "@quorate/core";

/**
 * What is believed of a member.
 *
 * - `alive`: heard of in time.
 * - `suspect`: silent for longer than it should be; being asked, directly and through others.
 * - `down`: nobody could reach it. It comes back as `alive` if it was heard of after all.
 * - `left`: it said goodbye.
 */
export type MemberState = "alive" | "suspect" | "down" | "left";

/** A member of a group, as this process sees it. */
export interface Member {
  /** Its name in the group; the same over its restarts. */
  readonly id: string;
  /** Which life of that name this is: greater after each restart, and after each refutation. */
  readonly incarnation: number;
  readonly state: MemberState;
  /** Since when it has been in this state, on this process's monotonic clock. */
  readonly sinceMs: Ms;
  /** Where it is reached, if this kind of membership knows; else empty. */
  readonly address: string;
  /** What it says of itself: its version, its zone. Foreign input. */
  readonly data: string;
}

/** Something that happened to a member. */
export interface MemberChanged {
  /**
   * - `joined`: first heard of, or back after it had left or was forgotten
   * - `updated`: its data or address is another
   * - `suspected`, `recovered`, `down`, `left`: its state is another
   */
  readonly kind: "joined" | "updated" | "suspected" | "recovered" | "down" | "left";
  readonly member: Member;
}

/** What a watch tells: the members first, then `synced`, then each change. */
export type MembershipEvent = MemberChanged | Synced | Stale;

/** Options of a watch. */
export interface MembershipWatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined;
}

/** A group, as one of its members or an onlooker sees it. */
export interface Membership extends AsyncDisposable {
  /** This process as a member; `undefined`: it only looks on. */
  readonly self: Member | undefined;
  /** All members that are known, this process among them, by id. Those gone are kept a while. */
  readonly members: readonly Member[];
  /** One member; `undefined`: never heard of, or forgotten. */
  member(id: string): Member | undefined;
  /**
   * The members, then every change. A reader that falls behind gets the last state of each member.
   *
   * @throws CLOSED
   */
  watch(options?: MembershipWatchOptions): AsyncIterableIterator<MembershipEvent>;
  /** Says something else of this process from now on. @throws INVALID_ARGUMENT, TOO_LARGE */
  update(data: string): Promise<void>;
  /** Says goodbye, so that nobody has to wait for a timeout, and closes. */
  leave(): Promise<void>;
  /** Stops without a word, as a crash would: others notice by their detectors. Twice is fine. */
  close(): Promise<void>;
}
