/**
 * What a shared breaker tells the world: events on `runtime.events`.
 *
 * Transitions of its own breaker are told by that; here is what only the fleet knows.
 */
import { type ErrorCode, type EventChannel, isQuorateError } from "@quorate/core";
import type { Revision, Runtime } from "@quorate/core";

import { publish, reportFailure } from "../emitter.ts";
import type { FleetState } from "./record.ts";

/** `quorate:breaker.fleet`: this instance learnt of a new state of the fleet, or lost touch. */
export interface FleetTurned {
  readonly breaker: string;
  /** Who learnt it. */
  readonly instance: string;
  /** Of the record; grows with every transition. */
  readonly epoch: Revision;
  /** The fleet's state; `unknown` while the store cannot be heard. */
  readonly state: FleetState["kind"] | "unknown";
  /** Who made it so, and why; empty while closed without a record, and while unknown. */
  readonly by: string;
  readonly why: string;
}

/**
 * `quorate:breaker.fleet-failed`: the store did not do what it was asked for. Calls do not suffer;
 * a fleet in which this goes on is a fleet of strangers.
 */
export interface FleetFailed {
  readonly breaker: string;
  readonly instance: string;
  readonly operation: "watch" | "publish" | "write" | "claim" | "release" | "leave";
  readonly code: ErrorCode;
}

/** Whose channel it is, in a report. */
const CHANNEL = "a breaker's channel";

/** The channels of a fleet, and who speaks. */
export class FleetVoice {
  readonly #runtime: Runtime;
  readonly #who: Pick<FleetTurned, "breaker" | "instance">;
  readonly #turned: EventChannel<FleetTurned>;
  readonly #failed: EventChannel<FleetFailed>;

  constructor(runtime: Runtime, breaker: string, instance: string) {
    this.#runtime = runtime;
    this.#who = { breaker, instance };
    this.#turned = runtime.events.channel("breaker.fleet");
    this.#failed = runtime.events.channel("breaker.fleet-failed");
  }

  /** Who speaks. */
  get instance(): string {
    return this.#who.instance;
  }

  /** Tells of a new state. */
  turned(facts: Omit<FleetTurned, "breaker" | "instance">): void {
    publish(this.#runtime, CHANNEL, this.#turned, () => ({ ...this.#who, ...facts }));
  }

  /** Tells of a failure. Never throws, whatever it was. */
  failed(operation: FleetFailed["operation"], error: unknown): void {
    if (!isQuorateError(error))
      return reportFailure(this.#runtime, `${operation} of a fleet`, error);
    const { code } = error;
    publish(this.#runtime, CHANNEL, this.#failed, () => ({ ...this.#who, operation, code }));
  }
}
