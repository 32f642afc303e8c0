/**
 * The machine: what a coordinator's record says, what befalls it, and what follows.
 *
 * Two tables and a count of votes are the whole protocol. The code asks them, the guide prints
 * them, and the tests walk through all of them.
 *
 * Sans-I/O: whether a deadline has passed is an input, judged by whoever has the clock.
 *
 * Guarantees, by the tables alone: `committed` is written over `preparing` only, and only when all
 * have voted yes; whoever asks about a transaction that has no record is told that it aborted; a
 * decision that is written never changes.
 *
 * Mohan, Lindsay, Obermarck, "Transaction Management in the R* Distributed Database Management
 * System", ACM TODS 11(4), 1986: presumed abort.
 */

/** What the coordinator's record says. */
export type Stage =
  | "absent"
  | "preparing"
  | "committed"
  | "aborted"
  | "ended-committed"
  | "ended-aborted";

/** What befalls a transaction. */
export type Incident =
  | "all-yes"
  | "all-read-only"
  | "a-no"
  | "deadline"
  | "coordinator-gone"
  | "asked"
  | "asked-late"
  | "all-acked";

/** What follows. Every `write-` is a compare-and-set against the record that was read. */
export type Move =
  /** The commit point. */
  | "write-committed"
  | "write-aborted"
  | "write-ended"
  /** Tell the participants, or the one who asks, to commit. */
  | "commit"
  | "abort"
  /** Nothing is decided yet. */
  | "wait";

/** The coordinator. */
export const COORDINATOR: Readonly<Record<Stage, Readonly<Record<Incident, Move>>>> = {
  // Presumed abort: what nobody remembers has aborted.
  absent: always("abort"),
  preparing: {
    "all-yes": "write-committed",
    "all-read-only": "write-ended",
    "a-no": "write-aborted",
    deadline: "write-aborted",
    "coordinator-gone": "write-aborted",
    asked: "wait",
    // By the one who asks: a lost coordinator blocks nobody for longer than this.
    "asked-late": "write-aborted",
    "all-acked": "wait",
  },
  committed: { ...always("commit"), "all-acked": "write-ended" },
  aborted: { ...always("abort"), "all-acked": "write-ended" },
  "ended-committed": always("commit"),
  "ended-aborted": always("abort"),
};

/** What follows for a record of this `stage`. */
export function coordinate(stage: Stage, incident: Incident): Move {
  return COORDINATOR[stage][incident];
}

function always(move: Move): Record<Incident, Move> {
  return {
    "all-yes": move,
    "all-read-only": move,
    "a-no": move,
    deadline: move,
    "coordinator-gone": move,
    asked: move,
    "asked-late": move,
    "all-acked": move,
  };
}

/** What a participant has of a branch. */
export type BranchStage = "nothing" | "working" | "prepared";

/** What it is told to do. */
export type Order = "prepare" | "commit" | "abort";

/** What it does. */
export type Act =
  /** Make it durable, and vote: yes, no, or read-only. */
  | "vote"
  | "vote-yes"
  | "vote-no"
  | "commit"
  | "roll-back"
  /** It is done already, or there never was anything to do. */
  | "done"
  /** A coordinator at fault: nobody commits what did not vote. */
  | "refuse";

/**
 * The participant. `nothing` is what is left of a branch that was carried out, as well as of one
 * that never was: so a commit of nothing is `done`, since only a yes is ever told to commit.
 */
export const PARTICIPANT: Readonly<Record<BranchStage, Readonly<Record<Order, Act>>>> = {
  nothing: { prepare: "vote-no", commit: "done", abort: "done" },
  working: { prepare: "vote", commit: "refuse", abort: "roll-back" },
  prepared: { prepare: "vote-yes", commit: "commit", abort: "roll-back" },
};

/** What a participant that has `stage` does when it is told `order`. */
export function participate(stage: BranchStage, order: Order): Act {
  return PARTICIPANT[stage][order];
}

/** A participant's word. `yes` binds it: it can commit, and can still roll back, after a crash. */
export type Vote = "yes" | "no" | "read-only";

/** What the votes come to. A vote that is missing is a no: pass it as one. */
export function count(votes: Iterable<Vote>): "all-yes" | "all-read-only" | "a-no" {
  let result: "all-yes" | "all-read-only" = "all-read-only";
  for (const vote of votes) {
    if (vote === "no") return "a-no";
    if (vote === "yes") result = "all-yes";
  }
  return result;
}
