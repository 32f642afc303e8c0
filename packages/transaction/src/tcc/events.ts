/**
 * What TCC tells the world: events on `runtime.events`, by default `node:diagnostics_channel`. Ids,
 * names and states only, never an input or a result.
 */
import type { EventChannel, Events, WorkBegins } from "@quorate/core";

import type { TccState } from "./machine.ts";

interface Subject {
  readonly id: string;
  readonly name: string;
}

/** `quorate:tcc.calling`: a participant is about to be called; a tracer may wrap the call. */
export interface TccCalling extends Subject, WorkBegins {
  readonly branch: string;
  readonly participant: string;
  readonly doing: "try" | "confirm" | "cancel";
  /** From 1. */
  readonly attempt: number;
}

/** `quorate:tcc.decided`: by this process, or found by it in the record. */
export interface TccDecided extends Subject {
  readonly state: TccState;
  /** Why it is cancelled; empty: it is not. */
  readonly reason: string;
}

/** `quorate:tcc.ended`: carried out everywhere. */
export interface TccEnded extends Subject {
  readonly state: TccState;
}

/**
 * `quorate:tcc.stuck`: a branch fails to settle; told once, asked on for ever. Or the transaction
 * has killed too many workers, and waits for `retry`. Alert on it.
 */
export interface TccStuck extends Subject {
  /** Empty: the whole transaction, left alone. */
  readonly branch: string;
  /** Failed calls of the branch, or takeovers. */
  readonly failures: number;
  /** Code of the last failure; `TAKEOVERS` of a whole transaction. */
  readonly error: string;
}

/** `quorate:tcc.by-hand`: the audit of operators' verbs. */
export interface TccByHand extends Subject {
  readonly verb: "cancel" | "settle" | "retry";
  /** Empty: the whole transaction. */
  readonly branch: string;
  readonly by: string;
  readonly why: string;
}

/** The channels, looked up once. */
export interface TccEvents {
  readonly calling: EventChannel<TccCalling>;
  readonly decided: EventChannel<TccDecided>;
  readonly ended: EventChannel<TccEnded>;
  readonly stuck: EventChannel<TccStuck>;
  readonly byHand: EventChannel<TccByHand>;
}

/** Looks up the channels. */
export function tccEvents(events: Events): TccEvents {
  return {
    calling: events.channel("tcc.calling"),
    decided: events.channel("tcc.decided"),
    ended: events.channel("tcc.ended"),
    stuck: events.channel("tcc.stuck"),
    byHand: events.channel("tcc.by-hand"),
  };
}
