/**
 * The candidate: where one who wants to lead stands, and where it goes from there.
 *
 * Waiting in line, resting after a failure, preparing its term, leading, stepping down, giving the
 * leadership back. What has to be waited for, and how, is the shell's business (`candidacy.ts`);
 * what follows from what is decided here.
 *
 * Guarantees: no term begins before the work of the last one has ended; a leadership that is still
 * held is given back after the work has ended, never before; only a stop or the end of the work
 * ends a candidate, a failed call never does. Does not guarantee that it ever leads.
 */
import type { FencingToken } from "@quorate/core";

/** What comes after the present term. */
export type Afterwards = "campaign" | "end";

/** Where a candidate stands. */
export type CandidateState =
  /** Asking for the leadership, which mostly means to stand in line. */
  | { readonly kind: "campaigning"; readonly failures: number }
  /** Waiting before the next try. `failures`: in a row. */
  | { readonly kind: "resting"; readonly failures: number }
  /** Told to stop while asking: what is granted now goes back. */
  | { readonly kind: "leaving" }
  /** Granted; the work has not begun, because the last leader's may not have ended. */
  | { readonly kind: "preparing"; readonly term: FencingToken }
  | { readonly kind: "leading"; readonly term: FencingToken }
  /** The work has been told to stop, and has not ended yet. */
  | {
      readonly kind: "stepping-down";
      readonly term: FencingToken;
      /** `gone`: lost, or left to run out; nothing keeps the next leader from beginning. */
      readonly lease: "held" | "gone";
      readonly afterwards: Afterwards;
    }
  | { readonly kind: "giving-back"; readonly term: FencingToken; readonly afterwards: Afterwards }
  | { readonly kind: "ended" };

/** What happens to a candidate. */
export type CandidateEvent =
  | { readonly kind: "granted"; readonly term: FencingToken }
  /** No leadership, this time. `final`: asking again is of no use. */
  | { readonly kind: "failed"; readonly final: boolean }
  /** It left the line to let another pass. */
  | { readonly kind: "passed" }
  | { readonly kind: "rested" }
  | { readonly kind: "ready" }
  | { readonly kind: "lost" }
  | { readonly kind: "stopped"; readonly afterwards: Afterwards }
  | { readonly kind: "work-ended" }
  /** The work had its time to end, and has not. */
  | { readonly kind: "overdue" }
  | { readonly kind: "given-back" };

/** How often a candidate leads: until it is stopped, or one term. */
export type Ambition = "always" | "once";

const ENDED: CandidateState = { kind: "ended" };

/** A candidate that begins. */
export const BEGINNING: CandidateState = { kind: "campaigning", failures: 0 };

/** The state after `event`; the same object where the event changes nothing. */
export function next(
  state: CandidateState,
  event: CandidateEvent,
  ambition: Ambition,
): CandidateState {
  switch (state.kind) {
    case "campaigning":
      return whileCampaigning(state, event);
    case "resting":
      if (event.kind === "rested") return { kind: "campaigning", failures: state.failures };
      return event.kind === "stopped" && event.afterwards === "end" ? ENDED : state;
    case "leaving":
      return whileLeaving(state, event);
    case "preparing":
      return whilePreparing(state, event);
    case "leading":
      return whileLeading(state, event, ambition);
    case "stepping-down":
      return whileSteppingDown(state, event);
    case "giving-back":
      if (event.kind === "given-back") return state.afterwards === "end" ? ENDED : BEGINNING;
      return event.kind === "stopped" && event.afterwards === "end" ? endingAfter(state) : state;
    case "ended":
      return state;
  }
}

type In<K extends CandidateState["kind"]> = Extract<CandidateState, { readonly kind: K }>;

function whileCampaigning(state: In<"campaigning">, event: CandidateEvent): CandidateState {
  if (event.kind === "granted") return { kind: "preparing", term: event.term };
  if (event.kind === "passed") return { kind: "campaigning", failures: 0 };
  if (event.kind === "stopped") return event.afterwards === "end" ? { kind: "leaving" } : state;
  if (event.kind !== "failed") return state;
  return event.final ? ENDED : { kind: "resting", failures: state.failures + 1 };
}

function whileLeaving(state: In<"leaving">, event: CandidateEvent): CandidateState {
  if (event.kind === "granted") return { kind: "giving-back", term: event.term, afterwards: "end" };
  return event.kind === "failed" || event.kind === "passed" ? ENDED : state;
}

function whilePreparing(state: In<"preparing">, event: CandidateEvent): CandidateState {
  const { term } = state;
  if (event.kind === "ready") return { kind: "leading", term };
  if (event.kind === "lost") return { kind: "giving-back", term, afterwards: "campaign" };
  if (event.kind === "stopped") return { kind: "giving-back", term, afterwards: event.afterwards };
  return state;
}

function whileLeading(
  state: In<"leading">,
  event: CandidateEvent,
  ambition: Ambition,
): CandidateState {
  const { term } = state;
  const again: Afterwards = ambition === "always" ? "campaign" : "end";
  if (event.kind === "work-ended") return { kind: "giving-back", term, afterwards: "end" };
  if (event.kind === "lost")
    return { kind: "stepping-down", term, lease: "gone", afterwards: again };
  if (event.kind !== "stopped") return state;
  const afterwards = event.afterwards === "campaign" ? again : "end";
  return { kind: "stepping-down", term, lease: "held", afterwards };
}

function whileSteppingDown(state: In<"stepping-down">, event: CandidateEvent): CandidateState {
  const { term, afterwards } = state;
  if (event.kind === "work-ended") return { kind: "giving-back", term, afterwards };
  if (event.kind === "lost") return state.lease === "gone" ? state : { ...state, lease: "gone" };
  if (event.kind === "stopped") return event.afterwards === "end" ? endingAfter(state) : state;
  if (event.kind !== "overdue") return state;
  // Who is to end is cut off. Who is to campaign again waits: two works at once must never be.
  if (afterwards === "end") return ENDED;
  return state.lease === "gone" ? state : { ...state, lease: "gone" };
}

/** `state`, with nothing after it. */
function endingAfter<S extends In<"stepping-down"> | In<"giving-back">>(state: S): S {
  return state.afterwards === "end" ? state : { ...state, afterwards: "end" };
}
