/**
 * The barrier's machine: what is known of a branch, what is asked of it, and what follows.
 *
 * A branch is one participant's share of one transaction: the step of a saga, or the branch of a
 * TCC. Three things go wrong on the way to it. A call comes twice. The undo of something that never
 * arrived comes (an empty cancel), and must succeed. And then the thing itself comes late (a
 * hanging
 * try), and must be refused for ever, for nobody will undo it any more. This table is the answer to
 * all three; the code asks it, the documentation is printed from it, the tests walk through all of
 * it.
 *
 * A saga's step has the same table: its action is `try`, its compensation is `cancel`, and there is
 * no `confirm`.
 *
 * Guarantees, by the table alone: what was cancelled is never tried, what was confirmed is never
 * cancelled, and a cancelled branch stays cancelled.
 */

/** What is asked of a branch. A saga's action is `try`, its undo `cancel`. */
export type Operation = "try" | "confirm" | "cancel";

/**
 * What is known of a branch. `trying`, `confirming`, `cancelling`: the work has begun, and how it
 * ended has not been written yet. They exist only where the effect lies outside of the record.
 */
export type BranchState =
  | "none"
  | "trying"
  | "tried"
  | "refused"
  | "confirming"
  | "confirmed"
  | "cancelling"
  | "cancelled";

/** What follows. */
export type Action =
  /** Run the work, then write that it is done. */
  | "work"
  /**
   * An earlier run may have done it: wait for its lease, then run the work, told that it repeats.
   */
  | "again"
  /** Write the tombstone. Nothing runs, for there is nothing to undo. */
  | "bury"
  /** Give the answer that is stored. */
  | "replay"
  /** Refuse for ever: the cancel was here first. */
  | "hanging"
  /** Refuse for now, and alert: a coordinator confirms only what it was told is tried. */
  | "early"
  /** Refuse, and alert: a coordinator decided both ways. */
  | "conflict";

/** The protocol. */
export const ACTIONS: Readonly<Record<Operation, Readonly<Record<BranchState, Action>>>> = {
  try: {
    none: "work",
    trying: "again",
    tried: "replay",
    // A definite no stays a no: a repeat that suddenly succeeded would have nobody to undo it.
    refused: "replay",
    confirming: "replay",
    confirmed: "replay",
    cancelling: "hanging",
    cancelled: "hanging",
  },
  confirm: {
    none: "early",
    trying: "early",
    tried: "work",
    refused: "conflict",
    confirming: "again",
    confirmed: "replay",
    cancelling: "conflict",
    cancelled: "conflict",
  },
  cancel: {
    none: "bury",
    // Whether the try took effect is not known: its undo is told so.
    trying: "again",
    tried: "work",
    refused: "bury",
    confirming: "conflict",
    confirmed: "conflict",
    cancelling: "again",
    cancelled: "replay",
  },
};

/** While the work of an operation runs. */
export const RUNNING: Readonly<Record<Operation, "trying" | "confirming" | "cancelling">> = {
  try: "trying",
  confirm: "confirming",
  cancel: "cancelling",
};

/** When it is done. */
export const SETTLED: Readonly<Record<Operation, "tried" | "confirmed" | "cancelled">> = {
  try: "tried",
  confirm: "confirmed",
  cancel: "cancelled",
};

/** All states, in the order in which a branch may pass through them. */
export const STATES: readonly BranchState[] = [
  "none",
  "trying",
  "tried",
  "refused",
  "confirming",
  "confirmed",
  "cancelling",
  "cancelled",
];

/** All operations. */
export const OPERATIONS: readonly Operation[] = ["try", "confirm", "cancel"];

/** What follows for `operation` from `state`. */
export function actionFor(operation: Operation, state: BranchState): Action {
  return ACTIONS[operation][state];
}
