/**
 * What the machines of elections without a store have in common: inputs, effects, and the guard
 * against one's own pauses.
 *
 * A machine is a function: settings, a state, an input and the time go in, the next state and what
 * is to be sent come out. It owns no timer and no socket, so that the same code runs under a real
 * bus, under scripted time, and in the simulator.
 *
 * The guard: after a stall of the event loop the due timers run before the packets that queued up.
 * A member that judged then would accuse everybody who had spoken meanwhile. So a tick that comes
 * late by a heartbeat or more decides nothing: it waits until what queued up must have been heard,
 * and judges after that.
 */
import type { Ms } from "@quorate/core";
import type { Ballot } from "./ballot.ts";
import type { Members } from "./members.ts";
import type { HintTiming } from "./timing.ts";

/** What a machine is told. */
export type Input =
  /** Takes part from now on, by beginning an election. */
  | { readonly kind: "start" }
  /** Takes part no more; a leader that resigns says so to the others. */
  | { readonly kind: "stop"; readonly resigns: boolean }
  /** A member's ballot arrived. */
  | { readonly kind: "heard"; readonly from: string; readonly ballot: Ballot }
  /** The time that `wakeMs` named has come. */
  | { readonly kind: "tick" }
  /** The bus took, or did not take, what was last to be sent. */
  | { readonly kind: "sent" }
  | { readonly kind: "unsent" }
  /** The list has changed. */
  | { readonly kind: "members"; readonly members: Members }
  /** This member, being elected, was granted an epoch, or has it no more. */
  | { readonly kind: "epoch"; readonly epoch: number | undefined };

/** What is to be sent. */
export type Effect =
  | { readonly kind: "send"; readonly to: string; readonly ballot: Ballot }
  | { readonly kind: "tell-all"; readonly ballot: Ballot };

/** A machine's answer. */
export interface Step<S> {
  readonly state: S;
  readonly effects: readonly Effect[];
}

/** What stays the same for a machine's life. */
export interface MachineSettings extends HintTiming {
  readonly self: string;
}

/** Whom a member takes for the leader. */
export interface Belief {
  readonly leader: string;
  /** As the leader said. */
  readonly epoch: number | undefined;
}

/** An election without a store. */
export interface Algorithm<S> {
  /** In its subjects and events. */
  readonly name: "bully" | "ring";
  first(members: Members): S;
  step(settings: MachineSettings, state: S, input: Input, nowMs: Ms): Step<S>;
  /** When it wants its next tick; Infinity: not at all. */
  wakeMs(settings: MachineSettings, state: S): Ms;
  /** Whom it takes for the leader at `nowMs`. Lapses by itself, even where no tick comes. */
  belief(settings: MachineSettings, state: S, nowMs: Ms): Belief | undefined;
  /** Whether this member has been elected, as far as it knows: the one that may claim an epoch. */
  isElected(state: S): boolean;
}

/** A state that may be waiting for what queued up. */
export interface Draining {
  /** When the judging goes on. */
  readonly drainUntilMs: Ms | undefined;
}

/**
 * The state that waits instead of judging, if a tick that was due at `dueMs` is late by a stall;
 * `undefined` if the tick may judge.
 */
export function drained<S extends Draining>(
  settings: MachineSettings,
  state: S,
  dueMs: Ms,
  nowMs: Ms,
): S | undefined {
  if (nowMs - dueMs < settings.heartbeatMs) return undefined;
  // A living leader speaks once in this time; what it had said before is in the queue.
  return { ...state, drainUntilMs: nowMs + settings.heartbeatMs + settings.answerMs };
}
