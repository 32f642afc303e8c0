/**
 * Runs the work of a call, and settles with it, with the deadline, or with the caller's cancel,
 * whichever comes first.
 *
 * A value in hand wins: a cancel that finds the work's promise already resolved comes too late.
 * Work that was given up on is not forgotten: it is the call's leftover until it ends, and what it
 * then throws harms nobody.
 */
import type { LiveCall } from "./live-call.ts";
import { type Deadlines, deadlinesOf, type Expiring } from "./deadlines.ts";

/** The innermost `Next`. May throw, return a plain value, or a promise. */
export function attempt(call: LiveCall): unknown {
  const isBounded = call.mayEnd || (call.deadlineMs !== Infinity && !call.keepsDeadline);
  // Who drew the deadline has read the clock, and no wait outlasts it: it is not read again here.
  if (call.isEnded || call.isOverdue) call.check();
  const work = call.work(call);
  if (!isBounded || !isThenable(work)) return work;
  return new Attempt(call, work).promise;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return typeof (value as Partial<PromiseLike<unknown>>).then === "function";
}

/** Work under way. */
class Attempt implements Expiring {
  readonly promise: Promise<unknown>;
  wakeMs = 0;
  heapIndex = -1;
  readonly #call: LiveCall;
  readonly #deadlines: Deadlines;
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  #isOver = false;
  /** Set when the work was given up on: to be called when it has ended. */
  #onLate: (() => void) | undefined = undefined;

  constructor(call: LiveCall, work: PromiseLike<unknown>) {
    this.#call = call;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    call.active = this;
    this.#deadlines = deadlinesOf(call.runtime);
    this.#deadlines.add(this, call.deadlineMs, call.deadlineMs - call.timeoutMs);
    try {
      work.then(
        (value) => this.#finish(this.#resolve, value),
        (error: unknown) => this.#finish(this.#reject, error),
      );
    } catch (error) {
      this.#finish(this.#reject, error); // A thenable may throw; a promise does not.
    }
  }

  /** Cancelled. Reactions that are queued already, the value's among them, go first. */
  end(reason: unknown): void {
    queueMicrotask(() => this.#giveUp(reason));
  }

  /** The deadline. */
  expire(): void {
    const error = this.#call.timeoutError(true);
    this.#giveUp(error);
    this.#call.expire(error);
  }

  #finish(settle: (outcome: unknown) => void, outcome: unknown): void {
    if (this.#isOver) return this.#onLate?.();
    this.#over();
    settle(outcome);
  }

  #giveUp(reason: unknown): void {
    if (this.#isOver) return;
    this.#over();
    this.#call.leave(new Promise((resolve) => (this.#onLate = resolve)));
    this.#reject(reason);
  }

  #over(): void {
    this.#isOver = true;
    this.#call.active = undefined;
    if (this.heapIndex !== -1) this.#deadlines.remove(this);
  }
}
