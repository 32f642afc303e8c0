/**
 * Lifecycle: open, closing, closed; and what must not happen after.
 *
 * Whatever starts work registers it here, so that `close` can wait for what is in flight, then cut
 * it short, and so that a call on a closed thing is refused by name.
 */
import { setMaxListeners } from "node:events";
import { deferred, type Deferred } from "./abort.ts";
import { QuorateError } from "./errors/quorate-error.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { Ms } from "./waist/common.ts";

/** One thing's life. */
export class Lifecycle {
  readonly #what: string;
  readonly #runtime: Pick<Runtime, "time">;
  readonly #stopping = new AbortController();
  readonly #closing = new AbortController();
  /** A count, not a Set of promises: a Set that churns holds on to what it held. */
  #entered = 0;
  #onLeft: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  readonly #forget = (): void => this.leave();

  /** `what` is named in the error after closing: "the redis backend". */
  constructor(what: string, runtime: Pick<Runtime, "time">) {
    this.#what = what;
    this.#runtime = runtime;
    // Every wait and watch listens here; Node warns of a leak at the eleventh.
    setMaxListeners(0, this.#stopping.signal, this.#closing.signal);
  }

  /** Aborts, with `CLOSED` as its reason, when `close` begins: the end of waits and watches. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborts, with `CLOSED` as its reason, when the grace of `close` is over: the end of calls. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** True from the first call of `close`. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** The error of a call that comes too late. */
  closedError(): QuorateError<"CLOSED"> {
    const details = { what: this.#what };
    const message = `${this.#what} was closed; open a new one`;
    return new QuorateError("CLOSED", message, { effect: "none", details });
  }

  /** Throws `CLOSED` after `close`. */
  assertOpen(): void {
    if (this.#closed !== undefined) throw this.closedError();
  }

  /** Counts `promise` as in flight until it settles, and returns it. */
  track<T>(promise: Promise<T>): Promise<T> {
    this.enter();
    promise.then(this.#forget, this.#forget);
    return promise;
  }

  /** One more is in flight, until `leave`. */
  enter(): void {
    this.#entered += 1;
  }

  /** What `enter` began has ended. */
  leave(): void {
    this.#entered -= 1;
    if (this.#entered === 0) this.#onLeft?.();
  }

  /**
   * Refuses new calls, aborts `stopping`, waits up to `graceMs` for those in flight, aborts
   * `signal`, then runs `release`. The second call returns the first one's promise.
   */
  close(graceMs: Ms, release: () => Promise<void> | void): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    const done: Deferred<void> = deferred<void>();
    this.#closed = done.promise;
    this.#stopping.abort(this.closedError());
    this.#drain(graceMs)
      .then(() => this.#closing.abort(this.closedError()))
      .then(release)
      .then(done.resolve, done.reject);
    return this.#closed;
  }

  async #drain(graceMs: Ms): Promise<void> {
    if (this.#entered === 0) return;
    const grace = deferred<void>();
    const timer = this.#runtime.time.setTimer(graceMs, grace.resolve);
    const left = deferred<void>();
    this.#onLeft = left.resolve;
    await Promise.race([left.promise, grace.promise]);
    timer.cancel();
  }
}
