/**
 * Signals of a circuit: which controller is aborted when a call times out.
 *
 * A controller that the user gave is the user's: one for all calls, and a timeout aborts it. With
 * `autoRenewAbortController` each call has its own: asked within the action, `getSignal` gives the
 * signal of that very call; asked before `fire`, that of the calls fired until it is asked again.
 */
import { type CircuitWork, type Firing, start } from "./firing.ts";

/** The controllers of one circuit. */
export class Signals {
  #given: AbortController | undefined;
  readonly #renews: boolean;
  /** Handed out before a call; it belongs to the calls that are fired from now on. */
  #next: AbortController | undefined = undefined;
  #isNextUsed = false;
  /** The call whose action is being started. */
  #starting: Firing | undefined = undefined;

  constructor(given: AbortController | undefined, renews: boolean) {
    this.#given = given;
    this.#renews = renews;
  }

  /** The controller that a caller is shown. */
  current(): AbortController | undefined {
    if (!this.#renews) return this.#given;
    if (this.#starting !== undefined) return (this.#starting.controller ??= new AbortController());
    if (this.#next === undefined || this.#isNextUsed || this.#next.signal.aborted) {
      this.#next = this.#given ?? new AbortController();
      this.#given = undefined;
      if (this.#next.signal.aborted) this.#next = new AbortController();
      this.#isNextUsed = false;
    }
    return this.#next;
  }

  /** Starts a call's action, which may ask for its signal meanwhile. */
  start(firing: Firing, work: CircuitWork): unknown {
    if (this.#renews && this.#next !== undefined && !this.#next.signal.aborted) {
      firing.controller = this.#next;
      this.#isNextUsed = true;
    }
    const outer = this.#starting;
    this.#starting = firing;
    try {
      return start(work);
    } finally {
      this.#starting = outer;
    }
  }

  /** The call timed out. */
  abort(firing: Firing): void {
    (this.#renews ? firing.controller : this.#given)?.abort();
  }
}
