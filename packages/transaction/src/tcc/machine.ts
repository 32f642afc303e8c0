/**
 * The coordinator's machine: what its record says, what befalls it, and what follows.
 *
 * A transaction is `trying` until one compare-and-set decides it. `confirming` is the commit point:
 * it is written only when every registered branch has said that it is tried. Everything else ends
 * in
 * `cancelling`, and the cancel goes to every branch that was ever registered, also to those that
 * never answered. From then on nothing can fail, only take long.
 *
 * Sans-I/O: whether a deadline has passed is an input, judged by whoever has the clock.
 *
 * Guarantees, by the table alone: a decision never changes; whoever asks about a transaction that
 * has no record is told that it is cancelled (presumed abort), which is safe, for a record is there
 * before the first try and stays until the last confirm was answered.
 *
 * Pardon, Pautasso, "Atomic Distributed Transactions: A RESTful Design", WWW 2014, for try, confirm
 * and cancel; Mohan et al., "R*", TODS 1986, for presumed abort.
 */

/** What the record says; `absent`: there is none. */
export type TccState = "trying" | "confirming" | "confirmed" | "cancelling" | "cancelled";
/** With what has no record. */
export type Stage = TccState | "absent";

/** What befalls a transaction. */
export type Incident =
  | "all-tried"
  | "refused"
  | "deadline"
  | "cancel"
  | "coordinator-gone"
  | "asked"
  | "asked-late"
  | "all-settled";

/** What follows. Every `write-` is a compare-and-set against the record that was read. */
export type Move =
  /** The commit point. */
  | "write-confirming"
  | "write-cancelling"
  | "write-confirmed"
  | "write-cancelled"
  /** It is decided: confirm every branch, or say so to whoever asks. */
  | "confirm"
  | "cancel"
  /** Nothing is decided yet. */
  | "wait";

/** The protocol. */
export const COORDINATOR: Readonly<Record<Stage, Readonly<Record<Incident, Move>>>> = {
  absent: always("cancel"),
  trying: {
    "all-tried": "write-confirming",
    refused: "write-cancelling",
    deadline: "write-cancelling",
    cancel: "write-cancelling",
    // Whoever takes it over has not the work that knows what else was to be tried.
    "coordinator-gone": "write-cancelling",
    asked: "wait",
    // By the one who asks: a lost coordinator holds no reservation for longer than this.
    "asked-late": "write-cancelling",
    "all-settled": "wait",
  },
  confirming: { ...always("confirm"), "all-settled": "write-confirmed" },
  cancelling: { ...always("cancel"), "all-settled": "write-cancelled" },
  confirmed: always("confirm"),
  cancelled: always("cancel"),
};

/** What follows for a transaction at `stage`. */
export function coordinate(stage: Stage, incident: Incident): Move {
  return COORDINATOR[stage][incident];
}

function always(move: Move): Record<Incident, Move> {
  return {
    "all-tried": move,
    refused: move,
    deadline: move,
    cancel: move,
    "coordinator-gone": move,
    asked: move,
    "asked-late": move,
    "all-settled": move,
  };
}
