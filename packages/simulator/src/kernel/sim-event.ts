/**
 * One thing that will happen: when, to whom, and what.
 */

/** What an event is, for traces and counts. */
export type EventKind =
  | "start"
  | "timer"
  | "message"
  | "datagram"
  | "connection"
  | "resume"
  | "fault"
  | "heal"
  | "action"
  | "store";

/** Somebody to whom events happen: a node. */
export interface EventOwner {
  /** Printed, and drawn from: unique in a run. */
  readonly name: string;
  /** 32 bits out of the name. */
  readonly key: number;
  /** A number that no other event of this owner has drawn. */
  nextTie(): number;
  /**
   * Whether `event` may run now. False: it was dropped, or is kept by the owner, who puts it back
   * when its time comes.
   */
  admits(event: SimEvent): boolean;
}

/** An event that waits, and after it ran what is left of it. */
export class SimEvent {
  /** World time in microseconds. */
  atUs = 0;
  /** Order within an instant; those below zero come before all that are drawn. */
  tie = 0;
  /** Order among equal ties. */
  sequence = 0;
  /** Ran or cancelled: skipped when its turn comes. */
  over = false;
  /** Not in the heap: its owner keeps it until it can take it. */
  parked = false;
  /** Of timers: when it is due on the owner's monotonic clock, in microseconds. Else −1. */
  dueUs = -1;
  /** The owner's incarnation that it belongs to. */
  incarnation = 0;
  readonly owner: EventOwner | undefined;
  readonly kind: EventKind;
  readonly run: () => void;

  constructor(owner: EventOwner | undefined, kind: EventKind, run: () => void) {
    this.owner = owner;
    this.kind = kind;
    this.run = run;
  }
}

/** Whether `left` happens before `right`. */
export function isBefore(left: SimEvent, right: SimEvent): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs;
  if (left.tie !== right.tie) return left.tie < right.tie;
  return left.sequence < right.sequence;
}
