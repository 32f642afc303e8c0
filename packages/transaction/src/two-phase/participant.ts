/**
 * Participants: what a database or a service must be able to do to take part.
 *
 * Two halves. While a transaction runs, its own process holds a `Begun` branch: the work uses its
 * handle, then it votes. From the vote on, anybody may carry the decision out, by the branch's
 * name alone, since the process that prepared it may be gone.
 *
 * What the protocol needs of an implementation: after a `yes`, neither a crash of it nor of the
 * process loses the branch; `commit` and `abort` are safe to repeat, and mean "done" where there
 * is nothing left; an abort that comes before a late prepare leaves something that `inDoubt` finds.
 */
import type { Ms } from "@quorate/core";
import type { Branch } from "./branch.ts";
import type { Vote } from "./machine.ts";
import type { Decision } from "./record.ts";

/** What `TwoPhase` tells a participant about a branch: `undecided` is asked again later. */
export type Answer = Decision | "undecided";

/** A vote, and of a no the reason. */
export interface Ballot {
  readonly vote: Vote;
  /** Shown to whoever called `run`. */
  readonly why?: string;
  readonly cause?: unknown;
}

/** What every call of a participant is bounded by. */
export interface BranchCall {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A branch that runs in this process. */
export interface Begun<H> {
  /** What the work is given. */
  readonly handle: H;
  /**
   * The work is over: make what it did durable without making it visible, and vote. A rejection is
   * a no whose outcome is unknown; the branch is aborted.
   */
  prepare(call: BranchCall): Promise<Ballot>;
  /**
   * Lets go of what the branch holds in this process: a connection, a buffer. After a `yes`, of
   * nothing else; before it, of the whole branch. `abandoned`: the work may still be using it, so
   * do not wait for it. Safe to repeat, never rejects.
   */
  release(how: "ended" | "abandoned"): Promise<void>;
  /**
   * Present where one participant alone can be atomic: commits without a vote. Rejects with effect
   * `none` if it surely did not happen.
   */
  commitAlone?(call: BranchCall): Promise<void>;
  /**
   * The last resource's: commits, unless somebody has settled that it shall not. A rejection is an
   * unknown outcome, which `settle` decides.
   */
  commitLast?(call: BranchCall): Promise<Decision>;
}

/** A branch that voted yes and has not been told, as a participant finds it. */
export interface InDoubtBranch {
  readonly branch: Branch;
  /** Since the vote, by the participant's own clock. */
  readonly ageMs: Ms;
}

/** What a participant may ask of the `TwoPhase` that serves it. */
export interface Services {
  /** The decision on `branch`; past its deadline an undecided transaction is aborted by this. */
  decision(branch: Branch, call?: Partial<BranchCall>): Promise<Answer>;
}

/** A database, or anything else that can promise before it does. */
export interface Participant<H> {
  /** What it is, for messages: `postgres`, `kv`. */
  readonly kind: string;
  /** True: it cannot prepare; its own commit is the commit point. At most one a transaction. */
  readonly isLastResource?: boolean;
  /** True: its branches have `commitAlone`, so a transaction of it alone needs no record. */
  readonly canCommitAlone?: boolean;
  /** Told once, when it begins to be served. */
  attach?(services: Services): void;
  /** Whether its server can do what it must. Rejects with UNSUPPORTED where not. */
  ready?(call: BranchCall): Promise<void>;
  /** Begins a branch. */
  begin(branch: Branch, call: BranchCall): Promise<Begun<H>>;
  /** Commits what voted yes. Safe to repeat; nothing there means that it was committed. */
  commit(branch: Branch, call: BranchCall): Promise<void>;
  /** Undoes what was prepared, or may have been. Safe to repeat. */
  abort(branch: Branch, call: BranchCall): Promise<void>;
  /** The last resource's: how it ended; where it has not, it never will: `aborted`. */
  settle?(branch: Branch, call: BranchCall): Promise<Decision>;
  /** Branches whose names begin with `prefix` that wait for a decision: at most a few hundred. */
  inDoubt?(prefix: string, call: BranchCall): Promise<readonly InDoubtBranch[]>;
}

/** The handle that the work gets of a participant. */
export type HandleOf<P> = P extends Participant<infer H> ? H : never;

/** Participants by name. */
export type Participants = Readonly<Record<string, Participant<unknown>>>;
