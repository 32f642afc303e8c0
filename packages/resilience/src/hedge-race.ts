/**
 * One hedged call: the first attempt, those sent after it, and the first answer.
 *
 * Each attempt is a call of its own, so that those that lose can be cancelled without cancelling
 * the call. A failure is no answer while another attempt runs; when all have failed the caller gets
 * the first attempt's error, unless that says that it was not sent and another may have happened.
 */
import { type Ms, QuorateError } from "@quorate/core";

import { deadlinesOf, type Expiring } from "./deadlines.ts";
import type { Next } from "./layer.ts";
import type { Active, LiveCall } from "./live-call.ts";
import { weightier } from "./repeatable.ts";

/** What a race asks and tells. None may throw. */
export interface Starter {
  /** Whether a further attempt may be sent now. */
  mayHedge(): boolean;
  /** A further attempt is sent. */
  hedging(attempt: number, afterMs: Ms): void;
  /** The first answer, by which attempt, after how long, out of how many. */
  answered(attempt: number, isFirst: boolean, afterMs: Ms, sent: number): void;
}

/** Attempts at one call, side by side. */
export class Race implements Active, Expiring {
  readonly promise: Promise<unknown>;
  wakeMs = 0;
  heapIndex = -1;
  readonly #starter: Starter;
  readonly #call: LiveCall;
  readonly #next: Next;
  readonly #delayMs: Ms;
  readonly #startedMs: Ms;
  #hedgesLeft: number;
  readonly #runs: LiveCall[] = [];
  readonly #errors: unknown[] = [];
  #running = 0;
  #isOver = false;
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;

  constructor(starter: Starter, call: LiveCall, next: Next, delayMs: Ms, hedges: number) {
    this.#starter = starter;
    this.#call = call;
    this.#next = next;
    this.#delayMs = delayMs;
    this.#hedgesLeft = hedges;
    this.#startedMs = call.runtime.time.monotonicMs();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    call.active = this;
    this.#send();
    if (this.#isOver) return;
    deadlinesOf(call.runtime).add(this, this.#startedMs + delayMs, this.#startedMs);
  }

  /** Cancelled: all attempts end, and an answer that one of them has in hand wins. */
  end(reason: unknown): void {
    deadlinesOf(this.#call.runtime).remove(this);
    for (const run of this.#runs) run.cancel(reason);
  }

  /** No answer for a while: time to hedge. */
  expire(): void {
    if (this.#call.remainingMs === 0 || !this.#starter.mayHedge()) return;
    const nowMs = this.#call.runtime.time.monotonicMs();
    this.#hedgesLeft -= 1;
    this.#starter.hedging(this.#call.attempt + this.#runs.length, nowMs - this.#startedMs);
    if (this.#isOver || this.#call.isCancelled) return; // A listener may have cancelled.
    this.#send();
    if (this.#isOver || this.#hedgesLeft === 0) return;
    deadlinesOf(this.#call.runtime).add(this, nowMs + this.#delayMs, nowMs);
  }

  #send(): void {
    const index = this.#runs.length;
    const run = this.#call.derive(this.#call.attempt + index);
    this.#runs.push(run);
    this.#running += 1;
    let outcome: unknown;
    try {
      outcome = this.#next(run);
    } catch (error) {
      this.#failed(index, error);
      return;
    }
    if (!(outcome instanceof Promise)) return this.#succeeded(index, outcome);
    outcome.then(
      (value) => this.#succeeded(index, value),
      (error: unknown) => this.#failed(index, error),
    );
  }

  #succeeded(index: number, value: unknown): void {
    this.#running -= 1;
    if (this.#isOver) return;
    this.#over();
    const afterMs = this.#call.runtime.time.monotonicMs() - this.#startedMs;
    if (this.#running > 0) this.#cancelAllBut(index);
    this.#resolve(value);
    const { attempt } = this.#runs[index] as LiveCall;
    this.#starter.answered(attempt, index === 0, afterMs, this.#runs.length);
  }

  #failed(index: number, error: unknown): void {
    this.#running -= 1;
    this.#errors[index] = error;
    if (this.#isOver || this.#running > 0) return;
    this.#over();
    let [final] = this.#errors;
    for (let other = 1; other < this.#runs.length; other += 1) {
      final = weightier(this.#errors[other], final);
    }
    if (!this.#call.isCancelled) return this.#reject(final);
    try {
      this.#call.check(); // Throws the caller's reason, which goes before what the attempts threw.
    } catch (reason) {
      this.#reject(reason);
    }
  }

  #cancelAllBut(winner: number): void {
    const reason = new QuorateError("ABORTED", "another attempt at this call answered first", {
      effect: "unknown",
      details: { operation: "hedge" },
    });
    for (const [index, run] of this.#runs.entries()) {
      if (index !== winner) run.cancel(reason);
    }
  }

  #over(): void {
    this.#isOver = true;
    this.#call.active = undefined;
    deadlinesOf(this.#call.runtime).remove(this);
  }
}
