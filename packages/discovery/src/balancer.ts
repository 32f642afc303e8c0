/**
 * A balancer: which endpoint to ask.
 *
 * It is told of the endpoints when they change, picks one for each call, and learns how that call
 * ended. It keeps its own measures; it does no I/O and sets no timer.
 */
import type { Ms } from "@quorate/core";

import type { Endpoint } from "./endpoint.ts";

/** What is known of a call before it is sent. */
export interface PickRequest {
  /** What the call is about: balancers by hash send equal keys to the same endpoint. */
  readonly key?: string | undefined;
  /** Ids that this call has tried already; others are preferred. */
  readonly avoid?: ReadonlySet<string> | undefined;
}

/**
 * How a picked call ended. `fault`: the endpoint failed or did not answer; `ignore`: it says
 * nothing of the endpoint, as a caller's cancel.
 */
export type PickOutcome = "ok" | "fault" | "ignore";

/** One call to one endpoint, from the choice to its end. */
export interface Pick {
  readonly endpoint: Endpoint;
  /** The call has ended. Only the first word counts. */
  end(outcome: PickOutcome): void;
}

/** How an endpoint stands with a balancer: for people, logs and dashboards. */
export interface Standing {
  readonly endpoint: Endpoint;
  /** The weight in force: 0 while it gets nothing, less than its own while it warms up. */
  readonly weight: number;
  /** Its part of the last thousand picks or so, from 0 to 1. */
  readonly share: number;
  /** Picks that have not ended. */
  readonly outstanding: number;
  /** What a call to it is expected to take; undefined: nobody knows or measures it. */
  readonly latencyMs: Ms | undefined;
  /** For how long it is still ejected; 0: it is not. */
  readonly ejectedForMs: Ms;
}

/** Chooses among endpoints. */
export interface Balancer {
  /** For messages and metrics. */
  readonly name: string;
  /** These are the endpoints from now on; what is known of those that stay is kept. */
  update(endpoints: readonly Endpoint[]): void;
  /** An endpoint for this call; `undefined`: there is none. */
  pick(request?: PickRequest): Pick | undefined;
  /** How each endpoint of the last update stands, in that order. */
  standings(): readonly Standing[];
}
