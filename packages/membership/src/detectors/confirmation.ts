/**
 * From suspicion to verdict, and back: the machine that confirms before it convicts.
 *
 * A detector only says that one process hears nothing of a peer. So suspicion does not end in a
 * verdict but starts a confirmation: the peer is asked directly, and if it does not answer, asked
 * again and through others, whose way to it may be open where ours is not. Only then is it down.
 * And down does not end with one heartbeat: a peer that flickers has to be heard a few times, at
 * its usual pace, before it counts again.
 *
 * ```
 *  alive ──suspected──▶ suspect: asked ──no answer──▶ suspect: asked through others ──▶ down
 *    ▲                     │ heartbeat or answer           │                             │
 *    └─────────────────────┴───────────────────────────────┴──── good heartbeats ────────┘
 * ```
 *
 * Sans-I/O: `step(settings, state, input, now)` gives the next state and what is to be done.
 *
 * Guarantees: nobody is found down without two rounds of questions that could be sent, nor by a
 * tick that came late: after a standstill the answers may be in the queue, and are heard first.
 * Does not guarantee: that a peer which is down is dead.
 */
import type { Ms } from "@quorate/core";

/** Durations and numbers of a confirmation. */
export interface ConfirmationSettings {
  /** How long a peer has for the answer to a direct question. */
  readonly probeTimeoutMs: Ms;
  /** How long others have to find an answer. */
  readonly relayTimeoutMs: Ms;
  /** Through how many others it is asked. */
  readonly relays: number;
  /** How long an answer clears a peer that is not heard of by itself. */
  readonly clearedMs: Ms;
  /** Good heartbeats that make a peer that was down alive. */
  readonly recoveryBeats: number;
  /** Closer than this they count as one: they had queued up. */
  readonly recoveryMinGapMs: Ms;
  /** Further apart than this they are counted anew. */
  readonly recoveryMaxGapMs: Ms;
}

/** Where a peer stands. */
export type Confirmation =
  | { readonly kind: "alive"; readonly clearedUntilMs: Ms }
  | {
      readonly kind: "suspect";
      readonly stage: "asked" | "asked-through-others";
      /** Which confirmation it is: an answer to an earlier one says nothing. */
      readonly probe: number;
      readonly untilMs: Ms;
      /** A question of this round could not be sent: silence says nothing. */
      readonly isBlind: boolean;
    }
  | { readonly kind: "down"; readonly goodBeats: number; readonly beatMs: Ms }
  | { readonly kind: "left" };

/** What happens to a peer. */
export type ConfirmationInput =
  /** It was heard of by itself. */
  | { readonly kind: "beat" }
  /** The detector's verdict; may be repeated. */
  | { readonly kind: "suspected"; readonly probe: number }
  /** It answered, directly or through another. */
  | { readonly kind: "answered"; readonly probe: number }
  /** It is known that there will be no answer to the direct question. */
  | { readonly kind: "unanswered"; readonly probe: number }
  /** A question could not be sent, or this process hears nobody, not even itself. */
  | { readonly kind: "blind" }
  | { readonly kind: "tick" }
  /** It said goodbye. */
  | { readonly kind: "goodbye" };

/** What is to be done. */
export type ConfirmationEffect =
  | { readonly kind: "ask"; readonly probe: number }
  | { readonly kind: "ask-through-others"; readonly probe: number; readonly relays: number }
  | { readonly kind: "tell"; readonly change: "suspected" | "recovered" | "down" | "left" };

/** The machine's answer. */
export interface ConfirmationStep {
  readonly state: Confirmation;
  readonly effects: readonly ConfirmationEffect[];
}

type Suspect = Extract<Confirmation, { kind: "suspect" }>;
type Down = Extract<Confirmation, { kind: "down" }>;

/** A peer that was just heard. */
export const UNSUSPECTED: Confirmation = { kind: "alive", clearedUntilMs: -Infinity };

/** One step. */
export function stepConfirmation(
  settings: ConfirmationSettings,
  state: Confirmation,
  input: ConfirmationInput,
  nowMs: Ms,
): ConfirmationStep {
  if (state.kind === "left") return stay(state);
  if (input.kind === "goodbye") return turn({ kind: "left" }, "left");
  switch (state.kind) {
    case "alive": {
      if (input.kind !== "suspected" || nowMs < state.clearedUntilMs) return stay(state);
      const { state: suspect, effects } = ask(settings, input.probe, nowMs);
      return { state: suspect, effects: [{ kind: "tell", change: "suspected" }, ...effects] };
    }
    case "suspect":
      return stepSuspect(settings, state, input, nowMs);
    case "down":
      return input.kind === "beat" ? countBeat(settings, state, nowMs) : stay(state);
  }
}

/** When it wants its next tick; Infinity: not at all. */
export function wakeOfConfirmation(state: Confirmation): Ms {
  return state.kind === "suspect" ? state.untilMs : Infinity;
}

function stepSuspect(
  settings: ConfirmationSettings,
  state: Suspect,
  input: ConfirmationInput,
  nowMs: Ms,
): ConfirmationStep {
  switch (input.kind) {
    case "beat":
      return turn(UNSUSPECTED, "recovered");
    case "answered": {
      if (input.probe !== state.probe) return stay(state);
      return turn({ kind: "alive", clearedUntilMs: nowMs + settings.clearedMs }, "recovered");
    }
    case "unanswered": {
      const isNews = input.probe === state.probe && state.stage === "asked";
      return isNews ? askThroughOthers(settings, state, nowMs) : stay(state);
    }
    case "blind":
      return state.isBlind ? stay(state) : stay({ ...state, isBlind: true });
    case "tick":
      return nowMs < state.untilMs ? stay(state) : judge(settings, state, nowMs);
    case "suspected":
    case "goodbye":
      return stay(state);
  }
}

/** A round of questions is over. */
function judge(settings: ConfirmationSettings, state: Suspect, nowMs: Ms): ConfirmationStep {
  const { probeTimeoutMs } = settings;
  if (state.isBlind) return ask(settings, state.probe, nowMs);
  // This process stood still: what was answered meanwhile is in the queue behind this tick.
  if (nowMs - state.untilMs >= probeTimeoutMs) {
    return stay({ ...state, untilMs: nowMs + probeTimeoutMs });
  }
  if (state.stage === "asked") return askThroughOthers(settings, state, nowMs);
  return turn({ kind: "down", goodBeats: 0, beatMs: -Infinity }, "down");
}

function ask(settings: ConfirmationSettings, probe: number, nowMs: Ms): ConfirmationStep {
  const untilMs = nowMs + settings.probeTimeoutMs;
  const state = { kind: "suspect", stage: "asked", probe, untilMs, isBlind: false } as const;
  return { state, effects: [{ kind: "ask", probe }] };
}

/** Once more directly, too: what was lost may have been the question. */
function askThroughOthers(
  settings: ConfirmationSettings,
  state: Suspect,
  nowMs: Ms,
): ConfirmationStep {
  const { probe } = state;
  const { relays, relayTimeoutMs } = settings;
  const untilMs = nowMs + relayTimeoutMs;
  return {
    state: { ...state, stage: "asked-through-others", untilMs },
    effects: [
      { kind: "ask-through-others", probe, relays },
      { kind: "ask", probe },
    ],
  };
}

function countBeat(settings: ConfirmationSettings, state: Down, nowMs: Ms): ConfirmationStep {
  const sinceMs = nowMs - state.beatMs;
  if (sinceMs < settings.recoveryMinGapMs) return stay(state);
  const goodBeats = sinceMs <= settings.recoveryMaxGapMs ? state.goodBeats + 1 : 1;
  if (goodBeats >= settings.recoveryBeats) return turn(UNSUSPECTED, "recovered");
  return stay({ kind: "down", goodBeats, beatMs: nowMs });
}

function turn(
  state: Confirmation,
  change: Extract<ConfirmationEffect, { kind: "tell" }>["change"],
): ConfirmationStep {
  return { state, effects: [{ kind: "tell", change }] };
}

function stay(state: Confirmation): ConfirmationStep {
  return { state, effects: [] };
}
