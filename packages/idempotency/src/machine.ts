/**
 * The machine: what is found under a key, and what follows from it.
 *
 * Each step of the protocol is a write that holds only against a certain revision (or absence).
 * Where it holds, it is done. Where it does not, the store says what is there instead, in the same
 * answer; this table says what to do then. It is the whole protocol: the code asks it, the
 * documentation is printed from it, and the tests walk through all of it.
 *
 * Sans-I/O: no clock; what is left of a lease was judged by the store.
 *
 * Guarantees, by the table alone: nothing is written over that another owner wrote, except the
 * record of a run whose lease has ended; an answer that is there is never replaced; an owner that
 * was superseded announces the winner's answer or none.
 */

/** What a step is for. */
export type Question = "ask" | "renew" | "answer" | "let-go";

/** What is found under the key, in the eyes of one owner. */
export type Finding =
  | "nothing"
  | "mine-running"
  | "mine-answered"
  | "running"
  | "lapsed"
  | "answered"
  | "other-request";

/** What to do about it. */
export type Decision =
  /** Write the claim, against absence. */
  | "claim"
  /** Write the claim, against the revision found. */
  | "take-over"
  /** The claim is ours; its reply was lost. */
  | "own"
  /** Wait until it changes or its lease ends, or tell the caller that it runs. */
  | "wait"
  /** Give the answer that is there. */
  | "replay"
  | "mismatch"
  /** The same write again, against the revision found. */
  | "again"
  /** It is done. */
  | "done"
  /** The run is not the key's any more: tell it, announce nothing of it. */
  | "superseded";

/** The protocol. */
export const DECISIONS: Readonly<Record<Question, Readonly<Record<Finding, Decision>>>> = {
  // A call looks: the first write, and each look after a wait.
  ask: {
    nothing: "claim",
    "mine-running": "own",
    "mine-answered": "replay",
    running: "wait",
    lapsed: "take-over",
    answered: "replay",
    "other-request": "mismatch",
  },
  // A run's renewal did not hold.
  renew: {
    nothing: "superseded",
    "mine-running": "again",
    "mine-answered": "done",
    running: "superseded",
    lapsed: "superseded",
    answered: "superseded",
    "other-request": "superseded",
  },
  // A run's answer did not hold. Gone is gone: whoever removed it wants the next call to run.
  answer: {
    nothing: "superseded",
    "mine-running": "again",
    "mine-answered": "done",
    running: "superseded",
    lapsed: "superseded",
    answered: "replay",
    "other-request": "superseded",
  },
  // A run's release did not hold: what is there is not its own, so it stays.
  "let-go": {
    nothing: "done",
    "mine-running": "again",
    "mine-answered": "replay",
    running: "done",
    lapsed: "done",
    answered: "replay",
    "other-request": "done",
  },
};

/** What is there, as far as the machine must know. */
export interface Seen {
  /** Else the run is under way, or ended without one. */
  readonly hasAnswer: boolean;
  readonly owner: string;
  readonly fingerprint: string;
  /** What is left of the lease; of no account for answers. */
  readonly leaseLeftMs: number;
}

/** Who looks: `owner` is `undefined` before the first claim. */
export interface Asker {
  readonly owner: string | undefined;
  readonly fingerprint: string;
}

/** What `seen` is to `asker`. */
export function findingOf(seen: Seen | undefined, asker: Asker): Finding {
  if (seen === undefined) return "nothing";
  const mine = seen.owner === asker.owner;
  if (mine) return seen.hasAnswer ? "mine-answered" : "mine-running";
  // Before the lease: another request is told so at once, whether or not the first has ended.
  if (seen.fingerprint !== asker.fingerprint) return "other-request";
  if (seen.hasAnswer) return "answered";
  return seen.leaseLeftMs > 0 ? "running" : "lapsed";
}

/** What follows for `question` from what was found. */
export function decide(question: Question, finding: Finding): Decision {
  return DECISIONS[question][finding];
}
