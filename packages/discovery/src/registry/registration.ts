/**
 * One instance's registration, and the order in which it goes.
 *
 * To leave without a failed call, others must stop asking before this one stops answering: mark
 * the instance as draining, give every caller the time to hear of it, then stop taking calls in
 * and finish what runs, and only then end the registration. Any other order fails somebody's call.
 *
 * Guarantees: while it is registered it is registered anew after each loss of its lease, by
 * itself; after `leave` or `drain` its lease is given back or over. Does not guarantee that nobody
 * calls any more: a caller whose link to the store is down still has the old list.
 */
import {
  callable,
  knownOptions,
  type Ms,
  nonNegative,
  raceAbort,
  type Runtime,
  sleep,
} from "@quorate/core";
import type { LeaseMembership } from "@quorate/membership";

import type { RegistryEvents } from "./events.ts";
import { type CheckedInstance, checkWeight, type InstanceUpdate } from "./options.ts";
import { encodeRecord, type InstanceRecord } from "./record.ts";

/** How to drain. */
export interface DrainOptions {
  /**
   * Stops taking calls in, and finishes what runs; called when others have had time to hear that
   * this instance drains. The registration ends when its promise has settled.
   */
  readonly finish?: () => void | PromiseLike<void>;
  /** Time for others to hear of it. @default the registry's `watchDelayMs` */
  readonly delayMs?: Ms;
  /** Ends the waiting: it rejects with the reason, and the instance stays marked. */
  readonly signal?: AbortSignal | undefined;
}

/** How to wait for the end of a registration. */
export interface LeaveOptions {
  /** Ends the wait, which rejects with its reason; the lease then ends by its TTL. */
  readonly signal?: AbortSignal | undefined;
}

/** One instance's place in the registry. */
export interface Registration extends AsyncDisposable {
  readonly service: string;
  readonly id: string;
  /**
   * - `up`, `draining`: it is registered, by this process's own clock
   * - `lost`: its lease is over, and it asks for a new one; others may not see it
   * - `left`: it has gone
   */
  readonly state: "up" | "draining" | "lost" | "left";
  /**
   * Says something else of the instance. Resolves once others can read it.
   *
   * @throws OUTCOME_UNKNOWN not within a TTL; it is told as soon as it can be. INVALID_ARGUMENT,
   *   CLOSED
   */
  update(change: InstanceUpdate): Promise<void>;
  /**
   * Leaves without a failed call: marks the instance as draining, waits until others have heard,
   * lets `finish` do its work, then ends the registration. What `finish` throws is thrown after
   * that. The second call returns the first one's promise. Where the store cannot be reached the
   * mark is tried for a TTL, then it goes on.
   *
   * @throws CLOSED
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Ends the registration at once; where the store cannot be reached, within a TTL. */
  leave(options?: LeaveOptions): Promise<void>;
  /** Stops without a word, as a crash would: the lease ends by its TTL. Twice is fine. */
  close(): Promise<void>;
}

/** What a registration is made of. */
export interface RegistrationParts {
  readonly runtime: Runtime;
  readonly events: RegistryEvents;
  readonly membership: LeaseMembership;
  readonly instance: CheckedInstance;
  readonly watchDelayMs: Ms;
  readonly onEnd: () => void;
}

/** A registration that stands. */
export class InstanceRegistration implements Registration {
  readonly service: string;
  readonly id: string;
  readonly #parts: RegistrationParts;
  #record: InstanceRecord;
  #draining: Promise<void> | undefined;

  constructor(parts: RegistrationParts) {
    this.service = parts.instance.service;
    this.id = parts.instance.id;
    this.#parts = parts;
    this.#record = parts.instance.record;
  }

  get state(): Registration["state"] {
    const { self } = this.#parts.membership;
    if (self?.state === "left") return "left";
    return self?.state === "alive" ? this.#record.state : "lost";
  }

  async update(change: InstanceUpdate): Promise<void> {
    const { weight } = knownOptions("change", change, ["weight"]);
    return this.#say({ ...this.#record, weight: checkWeight(weight) });
  }

  async drain(options: DrainOptions = {}): Promise<void> {
    const {
      finish,
      signal,
      delayMs = this.#parts.watchDelayMs,
    } = knownOptions("options", options, ["finish", "delayMs", "signal"]);
    if (finish !== undefined) callable("finish", finish);
    nonNegative("delayMs", delayMs);
    this.#draining ??= this.#drain(finish, delayMs, signal);
    return this.#draining;
  }

  async leave(options: LeaveOptions = {}): Promise<void> {
    this.#parts.onEnd();
    return this.#parts.membership.leave(options);
  }

  close(): Promise<void> {
    this.#parts.onEnd();
    return this.#parts.membership.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  async #drain(
    finish: DrainOptions["finish"],
    delayMs: Ms,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      await raceAbort(this.#mark(), signal);
      await sleep(this.#parts.runtime, delayMs, { signal });
      this.#step("finishing");
      if (finish !== undefined) await raceAbort(attempt(finish), signal);
    } catch (error) {
      if (signal?.aborted === true) this.#draining = undefined; // It may be asked for again.
      else await this.leave();
      throw error;
    }
    await this.leave({ signal });
    this.#step("left");
  }

  /** Others can read it, or could not within a TTL: then they see what they saw before. */
  async #mark(): Promise<void> {
    try {
      await this.#say({ ...this.#record, state: "draining" });
      this.#step("marked");
    } catch (error) {
      if (this.state === "left") throw error;
      this.#step("unmarked");
    }
  }

  #say(record: InstanceRecord): Promise<void> {
    this.#record = record;
    return this.#parts.membership.update(encodeRecord(record));
  }

  #step(step: "marked" | "unmarked" | "finishing" | "left"): void {
    const { service, id } = this;
    this.#parts.events.draining.publish({ service, id, step });
  }
}

async function attempt(work: () => void | PromiseLike<void>): Promise<void> {
  await work();
}
