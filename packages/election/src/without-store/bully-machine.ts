/**
 * Bully: the greatest member that answers leads.
 *
 * Who misses the leader asks all greater members. If none answers in time, it leads and tells all;
 * if one answers, that one goes on, and the asker waits for its word. A greater member that comes
 * back asks in turn, hears nothing from above, and takes over.
 *
 * Where we leave the paper: the leader repeats its COORDINATOR as a heartbeat, so a lost one is
 * made up for; a member that heard its leader just now does not join the election of one that did
 * not, since the leader is not dead but hard to hear; a late tick waits before it judges; a member
 * whose own messages cannot be sent does not take the silence for consent.
 *
 * Guarantees: once messages arrive within `answerMs` and nobody is paused, all members name the
 * greatest living one. Does not guarantee: one leader. Under a partition each side has its own.
 *
 * Garcia-Molina, "Elections in a Distributed Computing System", IEEE Trans. Computers 1982.
 */
import type { Ms } from "@quorate/core";
import type { Ballot } from "./ballot.ts";
import { type Algorithm, type Belief, drained } from "./machine.ts";
import type { Effect, Input, MachineSettings, Step } from "./machine.ts";
import type { Members } from "./members.ts";

/** Where a member stands. */
export type BullyPhase =
  | { readonly kind: "resting" }
  /** Has asked the greater ones. `unsent`: or could not, so that silence says nothing. */
  | { readonly kind: "asking"; readonly untilMs: Ms; readonly unsent: boolean }
  /** A greater one answered; its word is awaited. */
  | { readonly kind: "yielding"; readonly untilMs: Ms }
  | ({ readonly kind: "following"; readonly heardMs: Ms } & Belief)
  /** `muted`: the last heartbeat could not be sent. */
  | {
      readonly kind: "leading";
      readonly beatMs: Ms;
      readonly muted: boolean;
      readonly epoch: number | undefined;
    };

/** A member. */
export interface BullyState {
  readonly members: Members;
  readonly phase: BullyPhase;
  readonly drainUntilMs: Ms | undefined;
}

type Heard = Extract<Input, { kind: "heard" }>;

/** Time that a greater member's election takes: its own question, and a message each way. */
const ELECTION_ANSWERS = 3;
/** Heartbeats within which a leader counts as heard just now. */
const FRESH_BEATS = 2;

/** The machine. */
export const bully: Algorithm<BullyState> = {
  name: "bully",
  first: (members) => ({ members, phase: { kind: "resting" }, drainUntilMs: undefined }),
  step: stepBully,
  wakeMs: (settings, state) => state.drainUntilMs ?? dueMs(settings, state.phase),
  belief,
  isElected: ({ phase }) => phase.kind === "leading",
};

function stepBully(
  settings: MachineSettings,
  state: BullyState,
  input: Input,
  nowMs: Ms,
): Step<BullyState> {
  const { phase } = state;
  if (input.kind === "start") return campaign(settings, state, nowMs);
  if (input.kind === "members") {
    return regroup(settings, { ...state, members: input.members }, nowMs);
  }
  if (phase.kind === "resting") return stay(state);
  switch (input.kind) {
    case "stop": {
      const effects = phase.kind === "leading" && input.resigns ? toAll({ kind: "resign" }) : [];
      return enter(state, { kind: "resting" }, effects);
    }
    case "tick":
      return tick(settings, state, nowMs);
    case "sent":
      return phase.kind === "leading" ? stay(state, { ...phase, muted: false }) : stay(state);
    case "unsent":
      if (phase.kind === "leading") return stay(state, { ...phase, muted: true });
      return phase.kind === "asking" ? stay(state, { ...phase, unsent: true }) : stay(state);
    case "epoch": {
      if (phase.kind !== "leading") return stay(state);
      const { epoch } = input;
      return enter(state, { ...phase, beatMs: nowMs, epoch }, toAll(word(epoch)));
    }
    case "heard":
      return hear(settings, state, input, nowMs);
  }
}

/** Asks all who are greater; who has nobody above leads at once. */
function campaign(settings: MachineSettings, state: BullyState, nowMs: Ms): Step<BullyState> {
  const above = state.members.above(settings.self);
  if (above.length === 0) return lead(state, nowMs);
  const phase = { kind: "asking", untilMs: nowMs + settings.answerMs, unsent: false } as const;
  const ask = (to: string): Effect => ({ kind: "send", to, ballot: { kind: "election" } });
  return enter(state, phase, above.map(ask));
}

function lead(state: BullyState, nowMs: Ms): Step<BullyState> {
  const { phase } = state;
  const muted = phase.kind === "leading" && phase.muted;
  const next = { kind: "leading", beatMs: nowMs, muted, epoch: undefined } as const;
  return enter(state, next, toAll(word(undefined)));
}

function tick(settings: MachineSettings, state: BullyState, nowMs: Ms): Step<BullyState> {
  const { phase } = state;
  if (nowMs < bully.wakeMs(settings, state)) return stay(state);
  // A heartbeat accuses nobody: it need not wait for what queued up.
  if (phase.kind === "leading") {
    if (nowMs - phase.beatMs >= settings.suspectAfterMs) return campaign(settings, state, nowMs);
    return enter(state, { ...phase, beatMs: nowMs }, toAll(word(phase.epoch)));
  }
  const waiting = drained(settings, state, bully.wakeMs(settings, state), nowMs);
  if (waiting !== undefined) return { state: waiting, effects: [] };
  const judging = { ...state, drainUntilMs: undefined };
  if (nowMs < dueMs(settings, phase)) return stay(judging); // What queued up was an answer.
  if (phase.kind === "asking" && !phase.unsent) return lead(judging, nowMs);
  return campaign(settings, judging, nowMs);
}

function hear(
  settings: MachineSettings,
  state: BullyState,
  { from, ballot }: Heard,
  nowMs: Ms,
): Step<BullyState> {
  const { members, phase } = state;
  const isAbove = members.outranks(from, settings.self);
  switch (ballot.kind) {
    case "election":
      return isAbove ? stay(state) : answer(settings, state, from, nowMs);
    case "ok": {
      if (!isAbove || phase.kind !== "asking") return stay(state);
      const untilMs = nowMs + ELECTION_ANSWERS * settings.answerMs;
      return enter(state, { kind: "yielding", untilMs });
    }
    case "coordinator":
      if (!isAbove) return contradict(settings, state, from, nowMs);
      if (isLedBetter(settings, state, from, nowMs)) return stay(state);
      return enter(state, {
        kind: "following",
        leader: from,
        epoch: ballot.epoch,
        heardMs: nowMs,
      });
    case "resign": {
      const isLeader = phase.kind === "following" && phase.leader === from;
      return isLeader ? campaign(settings, state, nowMs) : stay(state);
    }
    case "here":
    case "ack":
    case "candidacy":
    case "elected":
      return stay(state);
  }
}

/** A lower member misses the leader: tell it that somebody greater lives, and see to it. */
function answer(
  settings: MachineSettings,
  state: BullyState,
  to: string,
  nowMs: Ms,
): Step<BullyState> {
  const { phase } = state;
  const ok: Effect = { kind: "send", to, ballot: { kind: "ok" } };
  if (phase.kind === "leading") {
    return stay(state, phase, [ok, { kind: "send", to, ballot: word(phase.epoch) }]);
  }
  if (phase.kind !== "following" || isFresh(settings, phase.heardMs, nowMs)) {
    return stay(state, phase, [ok]);
  }
  const own = campaign(settings, state, nowMs);
  return { state: own.state, effects: [ok, ...own.effects] };
}

/** A lower member says that it leads: it is bullied out of that. */
function contradict(
  settings: MachineSettings,
  state: BullyState,
  from: string,
  nowMs: Ms,
): Step<BullyState> {
  const { phase } = state;
  if (phase.kind === "leading") {
    return stay(state, phase, [{ kind: "send", to: from, ballot: word(phase.epoch) }]);
  }
  const isBusy = phase.kind !== "following" || isFresh(settings, phase.heardMs, nowMs);
  return isBusy ? stay(state) : campaign(settings, state, nowMs);
}

/** Whether somebody greater than `from` leads and is heard. */
function isLedBetter(
  { suspectAfterMs }: MachineSettings,
  { members, phase }: BullyState,
  from: string,
  nowMs: Ms,
): boolean {
  if (phase.kind !== "following" || !members.outranks(phase.leader, from)) return false;
  return nowMs - phase.heardMs < suspectAfterMs;
}

/** After a change of the list: what was believed may have left, or somebody greater joined. */
function regroup(settings: MachineSettings, state: BullyState, nowMs: Ms): Step<BullyState> {
  const { phase, members } = state;
  const isUnled = phase.kind === "following" && !members.has(phase.leader);
  return isUnled ? campaign(settings, state, nowMs) : stay(state);
}

function belief(
  { self, suspectAfterMs }: MachineSettings,
  { phase }: BullyState,
  nowMs: Ms,
): Belief | undefined {
  if (phase.kind === "following" && nowMs - phase.heardMs < suspectAfterMs) {
    return { leader: phase.leader, epoch: phase.epoch };
  }
  // A leader that was paused for as long as others take to suspect it has been replaced.
  const leads = phase.kind === "leading" && !phase.muted && nowMs - phase.beatMs < suspectAfterMs;
  return leads ? { leader: self, epoch: phase.epoch } : undefined;
}

function dueMs({ heartbeatMs, suspectAfterMs }: MachineSettings, phase: BullyPhase): Ms {
  switch (phase.kind) {
    case "resting":
      return Infinity;
    case "following":
      return phase.heardMs + suspectAfterMs;
    case "leading":
      return phase.beatMs + heartbeatMs;
    case "asking":
    case "yielding":
      return phase.untilMs;
  }
}

function isFresh({ heartbeatMs }: MachineSettings, heardMs: Ms, nowMs: Ms): boolean {
  return nowMs - heardMs < FRESH_BEATS * heartbeatMs;
}

function word(epoch: number | undefined): Ballot {
  return { kind: "coordinator", epoch };
}

function toAll(ballot: Ballot): readonly Effect[] {
  return [{ kind: "tell-all", ballot }];
}

/** Another phase: what was waited for is of no interest any more. */
function enter(
  state: BullyState,
  phase: BullyPhase,
  effects: readonly Effect[] = [],
): Step<BullyState> {
  return { state: { ...state, phase, drainUntilMs: undefined }, effects };
}

/** The same phase, with other facts at most. */
function stay(
  state: BullyState,
  phase: BullyPhase = state.phase,
  effects: readonly Effect[] = [],
): Step<BullyState> {
  return { state: phase === state.phase ? state : { ...state, phase }, effects };
}
