/**
 * What hybrid clocks tell observers, on the channel `clock`.
 *
 * None of it stops a clock: it goes on, and stays monotonic. But each is a sign that a machine's
 * time service is broken, or that two processes share an id, which people want to know early.
 */
import type { Ms } from "@quorate/core";
import type { NodeId } from "../node-id.ts";

/** Our own wall clock was set back, by more than a tenth of `maxDriftMs`. */
export interface WallSteppedBack {
  readonly kind: "wall-stepped-back";
  readonly node: NodeId;
  readonly byMs: Ms;
}

/**
 * Our timestamps run ahead of our wall clock by more than `maxDriftMs`: others may refuse them.
 * Too many events in a frozen millisecond, or a wall clock that was set back. Told once until the
 * wall clock has caught up. `untilTrusted` waits for that.
 */
export interface ClockAhead {
  readonly kind: "clock-ahead";
  readonly node: NodeId;
  readonly aheadMs: Ms;
}

/** A remote timestamp was refused as too far in the future. */
export interface DriftRefused {
  readonly kind: "drift-refused";
  readonly node: NodeId;
  /** Whose timestamp it was. */
  readonly from: NodeId;
  readonly aheadMs: Ms;
}

/**
 * A timestamp of our own id arrived that we have not issued: two processes share the id, or this
 * one has restarted without its bound and meets its former self.
 */
export interface NodeIdShared {
  readonly kind: "node-id-shared";
  readonly node: NodeId;
}

/** The bound against reuse could not be stored; the clock goes on until the last one stored. */
export interface BoundNotStored {
  readonly kind: "bound-not-stored";
  readonly node: NodeId;
  readonly error: unknown;
}

/** Events of a hybrid clock. */
export type HybridClockEvent =
  | WallSteppedBack
  | ClockAhead
  | DriftRefused
  | NodeIdShared
  | BoundNotStored;
