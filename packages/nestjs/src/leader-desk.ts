/**
 * One candidate of this application, and the method calls that run while it leads.
 *
 * Guarantees: a call runs only while this process leads by its own clocks; the leadership is given
 * up in order only when the calls under it have ended, so that the next leader's do not run beside
 * them. Does not guarantee that a tick runs once: at a hand-over it may run in both, or in neither.
 */
import { onAbort } from "@quorate/core";
import type { Election, Leadership } from "quorate/election";
import { terms } from "./current.ts";

/** A standing candidate. */
export class LeaderDesk {
  readonly #election: Election;
  readonly #running = new Set<Promise<unknown>>();
  #leadership: Leadership | undefined;

  constructor(election: Election) {
    this.#election = election;
  }

  /** Campaigns until the election is closed. Rejects as `Election.lead` does. */
  async campaign(): Promise<void> {
    await this.#election.lead((leadership) => this.#lead(leadership));
  }

  /** Runs `work` if this process leads, else resolves to `undefined` at once. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const leadership = this.#leadership;
    if (leadership?.isLeader !== true) return undefined;
    const running = terms.run(leadership, work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #lead(leadership: Leadership): Promise<void> {
    this.#leadership = leadership;
    await new Promise<void>((resolve) => void onAbort(leadership.signal, resolve));
    this.#leadership = undefined;
    await Promise.allSettled(this.#running);
  }
}
