/**
 * Membership by heartbeats: each member says on the bus that it lives, and hears all others.
 *
 * For small groups on any engine's bus: no store is written, and a crash is noticed in a few
 * intervals. Each hears each, so the bus carries the square of the members every interval; beyond
 * some dozens take SWIM.
 *
 * Guarantees: a member that says goodbye is `left` at once; one that crashes is `down` once its
 * detector suspects it and neither it nor anybody asked through others answers; one that cannot
 * reach the bus accuses nobody, and its watches say `stale`; nothing foreign makes it throw.
 * Does not guarantee: that what is down is dead, or that two members see the same at one moment.
 */
import type { Ms } from "@quorate/core";
import type { Membership } from "../membership.ts";
import type { DropReason } from "./events.ts";

/** A group whose members are known by their heartbeats. */
export interface Heartbeats extends Membership {
  /** Name of the group. */
  readonly group: string;
  /** Messages that counted for nothing so far, by why. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /**
   * Takes part, or looks on, from now on. The others are known an interval and a half later:
   * watches say `synced` then.
   *
   * @throws MEMBER_CONFLICT another living process answers under this name.
   * @throws STORE_UNAVAILABLE the bus cannot be reached; `start` may be called again.
   * @throws CLOSED
   */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** How suspicious a member's silence is, on the detector's scale; 0 for one that is unknown. */
  suspicion(id: string): number;
  /** Length of the interval at which members beat. */
  readonly intervalMs: Ms;
}
