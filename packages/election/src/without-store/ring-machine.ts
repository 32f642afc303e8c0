/**
 * Ring: candidacies travel one way round, greater ones only, and the one that comes home has won.
 *
 * Who misses the leader sends its own id to its successor. A member passes a greater id on; in
 * place of a smaller one it sends its own, unless it has done so. An id that comes back to its
 * owner met nobody greater: the owner leads, and says so by a second round, which it repeats as a
 * heartbeat. With n members that all begin at once a uniformly random ring takes n·H(n) messages
 * on average, at most n(n+1)/2, and n more for the news.
 *
 * Where we leave the paper: every hop is acknowledged, and a silent successor passed over (see
 * `ring-links.ts`) until it says that it is back; tokens count their hops, since the owner of one
 * may have died; a leader answers a smaller candidacy by the news that it leads, in place of an
 * election that it would win; who hears its leader ignores the news of a smaller one.
 *
 * Guarantees: once messages arrive within `answerMs` and nobody is paused, all members name the
 * greatest living one. Does not guarantee: one leader. Under a partition each side closes a ring.
 *
 * Chang and Roberts, "An Improved Algorithm for Decentralized Extrema-Finding in Circular
 * Configurations of Processes", CACM 1979.
 */
import type { Ms } from "@quorate/core";
import type { Token } from "./ballot.ts";
import { type Algorithm, type Belief, drained } from "./machine.ts";
import type { Effect, Input, MachineSettings, Step } from "./machine.ts";
import type { Members } from "./members.ts";
import { acknowledged, heardFrom, type Links, linksDueMs, NO_LINKS } from "./ring-links.ts";
import { overdue, pass, type Unsent } from "./ring-links.ts";

/** Whom a member takes for the leader. */
export type RingPhase =
  | { readonly kind: "resting" }
  | { readonly kind: "unled" }
  | ({ readonly kind: "following"; readonly heardMs: Ms } & Belief)
  /** `homeMs`: when its own news last came home. `muted`: what was last sent was not taken. */
  | {
      readonly kind: "leading";
      readonly beatMs: Ms;
      readonly homeMs: Ms;
      readonly muted: boolean;
      readonly epoch: number | undefined;
    };

/** A member. */
export interface RingState {
  readonly members: Members;
  readonly phase: RingPhase;
  /** Until when the election in which it takes part must have ended; `undefined`: in none. */
  readonly electingUntilMs: Ms | undefined;
  readonly links: Links;
  readonly drainUntilMs: Ms | undefined;
}

/** One moment of one member: what every rule below needs. */
interface Moment {
  readonly settings: MachineSettings;
  readonly state: RingState;
  readonly nowMs: Ms;
}

/** The machine. */
export const ring: Algorithm<RingState> = {
  name: "ring",
  first: (members) => ({
    members,
    phase: { kind: "resting" },
    electingUntilMs: undefined,
    links: NO_LINKS,
    drainUntilMs: undefined,
  }),
  step: (settings, state, input, nowMs) => stepRing({ settings, state, nowMs }, input),
  wakeMs: (settings, state) => state.drainUntilMs ?? dueMs(settings, state),
  belief,
  isElected: ({ phase }) => phase.kind === "leading",
};

function stepRing(moment: Moment, input: Input): Step<RingState> {
  const { settings, state, nowMs } = moment;
  const { phase } = state;
  if (input.kind === "start") return join(moment);
  if (input.kind === "members") {
    return regroup({ ...moment, state: { ...state, members: input.members } });
  }
  if (phase.kind === "resting") return stay(state);
  switch (input.kind) {
    case "stop": {
      const resigns = phase.kind === "leading" && input.resigns;
      const effects: readonly Effect[] = resigns
        ? [{ kind: "tell-all", ballot: { kind: "resign" } }]
        : [];
      const links = { ...NO_LINKS, nextSeq: state.links.nextSeq };
      return { state: { ...ring.first(state.members), links }, effects };
    }
    case "tick":
      return tick(moment);
    case "sent":
      if (phase.kind !== "leading") return stay(state);
      return stay({ ...state, phase: { ...phase, muted: false } });
    case "unsent":
      return unsent(state);
    case "epoch":
      if (phase.kind !== "leading") return stay(state);
      return beat({
        settings,
        state: { ...state, phase: { ...phase, epoch: input.epoch } },
        nowMs,
      });
    case "heard": {
      const links = heardFrom(state.links, input.from);
      const heard = { ...moment, state: links === state.links ? state : { ...state, links } };
      const { ballot, from } = input;
      if (ballot.kind === "ack") {
        return stay({ ...heard.state, links: acknowledged(links, from, ballot.seq) });
      }
      if (ballot.kind === "resign") return resigned(heard, from);
      if (ballot.kind !== "candidacy" && ballot.kind !== "elected") return stay(heard.state);
      const ack: Effect = { kind: "send", to: from, ballot: { kind: "ack", seq: ballot.seq } };
      const next = take(heard, ballot);
      return { state: next.state, effects: [ack, ...next.effects] };
    }
  }
}

/** Comes in, or back: those that pass it over must hear of it, and its candidacy goes one way. */
function join(moment: Moment): Step<RingState> {
  const { state, effects } = campaign(moment);
  return { state, effects: [{ kind: "tell-all", ballot: { kind: "here" } }, ...effects] };
}

/** Stands for election: its id goes round. */
function campaign({ settings, state, nowMs }: Moment): Step<RingState> {
  const keeps = state.phase.kind === "following" && isHeard(settings, state, nowMs);
  const phase: RingPhase = keeps ? state.phase : { kind: "unled" };
  const electingUntilMs = nowMs + settings.suspectAfterMs;
  const next = { ...state, phase, electingUntilMs, drainUntilMs: undefined };
  return send({ settings, state: next, nowMs }, own("candidacy", settings));
}

/** Its id came home: it leads. */
function win({ settings, state, nowMs }: Moment): Step<RingState> {
  const phase: RingPhase = {
    kind: "leading",
    beatMs: nowMs,
    homeMs: nowMs,
    muted: false,
    epoch: undefined,
  };
  return beat({ settings, state: { ...state, phase, electingUntilMs: undefined }, nowMs });
}

/** Says that it leads. */
function beat({ settings, state, nowMs }: Moment): Step<RingState> {
  if (state.phase.kind !== "leading") return stay(state);
  const phase: RingPhase = { ...state.phase, beatMs: nowMs };
  const news = { ...own("elected", settings), epoch: phase.epoch };
  return send({ settings, state: { ...state, phase }, nowMs }, news);
}

/** To the next one that answers; where nobody is left, it is home at once. */
function send(moment: Moment, token: Unsent): Step<RingState> {
  const { settings, state, nowMs } = moment;
  const passed = pass(settings, state.members, state.links, token, nowMs);
  const next = { ...state, links: passed.links };
  if (!passed.isAlone) return { state: next, effects: passed.effects };
  return token.member === settings.self ? home({ ...moment, state: next }, token) : stay(next);
}

/** One of its own tokens has come home. */
function home(moment: Moment, token: Pick<Token, "kind">): Step<RingState> {
  const { state, nowMs } = moment;
  const { phase } = state;
  if (token.kind === "candidacy") {
    return state.electingUntilMs === undefined ? stay(state) : win(moment);
  }
  return phase.kind === "leading"
    ? stay({ ...state, phase: { ...phase, homeMs: nowMs } })
    : stay(state);
}

function take(moment: Moment, token: Token): Step<RingState> {
  const { settings, state } = moment;
  if (token.member === settings.self) return home(moment, token);
  if (!state.members.has(token.member)) return stay(state);
  return token.kind === "candidacy" ? weigh(moment, token) : learn(moment, token);
}

/** Somebody's candidacy: a greater one goes on, a smaller one is outdone. */
function weigh(moment: Moment, token: Token): Step<RingState> {
  const { settings, state, nowMs } = moment;
  if (state.members.outranks(token.member, settings.self)) {
    const electingUntilMs = state.electingUntilMs ?? nowMs + settings.suspectAfterMs;
    return forward({ ...moment, state: { ...state, electingUntilMs } }, token);
  }
  if (state.phase.kind === "leading") return beat(moment);
  return state.electingUntilMs === undefined ? campaign(moment) : stay(state);
}

/** The news that somebody leads. */
function learn(moment: Moment, token: Token): Step<RingState> {
  const { settings, state, nowMs } = moment;
  const { members, phase } = state;
  const isLedBetter =
    phase.kind === "following" &&
    members.outranks(phase.leader, token.member) &&
    isHeard(settings, state, nowMs);
  if (isLedBetter) return stay(state);
  if (!members.outranks(token.member, settings.self)) {
    const isBusy = phase.kind === "leading" || state.electingUntilMs !== undefined;
    return isBusy ? stay(state) : campaign(moment);
  }
  const { member: leader, epoch } = token;
  const next: RingPhase = { kind: "following", leader, epoch, heardMs: nowMs };
  return forward(
    { ...moment, state: { ...state, phase: next, electingUntilMs: undefined } },
    token,
  );
}

/** A token that has been round and did not find its owner goes no further. */
function forward(moment: Moment, { kind, member, hops, epoch }: Token): Step<RingState> {
  if (hops >= moment.state.members.size) return stay(moment.state);
  return send(moment, { kind, member, hops: hops + 1, epoch });
}

function resigned(moment: Moment, from: string): Step<RingState> {
  const { phase } = moment.state;
  if (phase.kind !== "following" || phase.leader !== from) return stay(moment.state);
  return campaign({ ...moment, state: { ...moment.state, phase: { kind: "unled" } } });
}

/** What was not sent cannot be acknowledged: the silence is no successor's fault. */
function unsent(state: RingState): Step<RingState> {
  const { phase, links } = state;
  const muted: RingPhase = phase.kind === "leading" ? { ...phase, muted: true } : phase;
  return stay({ ...state, phase: muted, links: { ...links, pending: [] } });
}

function tick(moment: Moment): Step<RingState> {
  const { settings, state, nowMs } = moment;
  const dueAtMs = ring.wakeMs(settings, state);
  if (nowMs < dueAtMs) return stay(state);
  const waiting = drained(settings, state, dueAtMs, nowMs);
  if (waiting !== undefined) return stay(waiting);
  const late = overdue(settings, state.links, nowMs);
  let next: Step<RingState> = stay({ ...state, links: late.links, drainUntilMs: undefined });
  const add = (step: (moment: Moment) => Step<RingState>): void => {
    const { state: after, effects } = step({ settings, state: next.state, nowMs });
    next = { state: after, effects: [...next.effects, ...effects] };
  };
  for (const token of late.tokens) add((now) => send(now, token));
  add(upkeep);
  return next;
}

/** What is due besides acknowledgements. */
function upkeep(moment: Moment): Step<RingState> {
  const { settings, state, nowMs } = moment;
  const { phase, electingUntilMs } = state;
  if (phase.kind === "leading") {
    const oldestMs = Math.min(phase.homeMs, phase.beatMs);
    if (nowMs - oldestMs >= settings.suspectAfterMs) return campaign(moment);
    return nowMs >= phase.beatMs + settings.heartbeatMs ? beat(moment) : stay(state);
  }
  if (electingUntilMs !== undefined)
    return nowMs < electingUntilMs ? stay(state) : campaign(moment);
  return isHeard(settings, state, nowMs) ? stay(state) : campaign(moment);
}

/** After a change of the list: links to those who have left are of no use. */
function regroup(moment: Moment): Step<RingState> {
  const { members, phase, links } = moment.state;
  const isHere = (id: string): boolean => members.has(id);
  const pending = links.pending.filter(({ to, token }) => isHere(to) && isHere(token.member));
  const silent = new Map([...links.silent].filter(([id]) => isHere(id)));
  const state = { ...moment.state, links: { ...links, pending, silent } };
  const isUnled = phase.kind === "following" && !isHere(phase.leader);
  return isUnled
    ? campaign({ ...moment, state: { ...state, phase: { kind: "unled" } } })
    : stay(state);
}

function belief(
  { self, suspectAfterMs }: MachineSettings,
  { phase }: RingState,
  nowMs: Ms,
): Belief | undefined {
  if (phase.kind === "following" && nowMs - phase.heardMs < suspectAfterMs) {
    return { leader: phase.leader, epoch: phase.epoch };
  }
  const leads = phase.kind === "leading" && !phase.muted && nowMs - phase.beatMs < suspectAfterMs;
  return leads ? { leader: self, epoch: phase.epoch } : undefined;
}

function dueMs({ heartbeatMs, suspectAfterMs }: MachineSettings, state: RingState): Ms {
  const { phase, electingUntilMs, links } = state;
  const acknowledgedMs = linksDueMs(links);
  if (phase.kind === "resting") return Infinity;
  if (phase.kind === "leading") return Math.min(acknowledgedMs, phase.beatMs + heartbeatMs);
  if (electingUntilMs !== undefined) return Math.min(acknowledgedMs, electingUntilMs);
  const heardMs = phase.kind === "following" ? phase.heardMs : -Infinity;
  return Math.min(acknowledgedMs, heardMs + suspectAfterMs);
}

/** Whether the leader that it follows was heard within the time that makes it suspect. */
function isHeard({ suspectAfterMs }: MachineSettings, { phase }: RingState, nowMs: Ms): boolean {
  // As `dueMs` puts it: with fractions a difference may say no where the sum says yes.
  return phase.kind === "following" && nowMs < phase.heardMs + suspectAfterMs;
}

function own(kind: Token["kind"], { self }: MachineSettings): Unsent {
  return { kind, member: self, hops: 1, epoch: undefined };
}

function stay(state: RingState): Step<RingState> {
  return { state, effects: [] };
}
