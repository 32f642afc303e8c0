/**
 * The deadline of one request, while it is served.
 *
 * Its signal is made when it is first read, and with it the timer: a handler that never asks pays
 * for neither.
 *
 * Guarantees: the signal aborts once, when the time is up (TIMEOUT) or the client has left
 * (ABORTED), and never after the response has ended. Does not guarantee that work stops: pass the
 * signal on.
 */
import {
  type LinkedController,
  linkedController,
  type Ms,
  QuorateError,
  type Runtime,
  type Timer,
} from "@quorate/core";

/** How long a request may take, as its handler sees it. */
export interface RequestDeadline {
  /** The same instant on the monotonic clock of this process: policies take it. */
  readonly deadlineMs: Ms;
  /** Time left, never negative; Infinity: no bound. */
  readonly remainingMs: Ms;
  /** True when no time is left. */
  readonly isExpired: boolean;
  /**
   * Aborts when the time is up (TIMEOUT), and when the client leaves (ABORTED) unless an
   * idempotency key protects the request: then its answer will be asked for again.
   */
  readonly signal: AbortSignal;
  /**
   * Goes on, or throws: cheaper than reading `signal`.
   * @throws TIMEOUT, ABORTED as the signal. Effect `unknown`: you know what you have done so far.
   */
  check(): void;
}

/** As its adapter sees it. */
export class LiveDeadline implements RequestDeadline {
  readonly deadlineMs: Ms;
  readonly #runtime: Runtime;
  readonly #budgetMs: Ms;
  readonly #endings = new Set<() => void>();
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #left: QuorateError<"ABORTED"> | undefined;
  #outlivesClient = false;
  #ended = false;

  constructor(runtime: Runtime, budgetMs: Ms) {
    this.#runtime = runtime;
    this.#budgetMs = budgetMs;
    this.deadlineMs = runtime.time.monotonicMs() + budgetMs;
  }

  get remainingMs(): Ms {
    return Math.max(0, this.deadlineMs - this.#runtime.time.monotonicMs());
  }

  get isExpired(): boolean {
    return this.remainingMs === 0;
  }

  /** Whether anybody has asked for the signal. */
  get isWatched(): boolean {
    return this.#controller !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#left !== undefined) this.#abort(this.#left);
      else if (this.isExpired) this.#abort(this.timeoutError("unknown"));
      else this.#arm();
    }
    return this.#controller.signal;
  }

  check(): void {
    if (this.#left !== undefined) throw this.#left;
    if (this.isExpired) throw this.timeoutError("unknown");
  }

  /** The client has left. */
  leave(): void {
    if (this.#ended || this.#outlivesClient || this.#left !== undefined) return;
    this.#left = new QuorateError("ABORTED", "the client has left", {
      effect: "unknown",
      details: { operation: "http.request" },
    });
    if (this.#controller !== undefined) this.#abort(this.#left);
  }

  /** From now on the client may leave: its answer is kept for it. */
  outliveClient(): void {
    this.#outlivesClient = true;
  }

  /** The response has ended: nothing is aborted any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    for (const ending of this.#endings) ending();
    this.#endings.clear();
  }

  /** A signal for work of this request that `other` can end, too; `detach` when it has ended. */
  signalWith(other: AbortSignal): Pick<LinkedController, "signal" | "detach"> {
    const { signal, detach } = linkedController(other, this.signal);
    const ending = (): void => {
      this.#endings.delete(ending);
      detach();
    };
    if (!this.#ended) this.#endings.add(ending);
    return { signal, detach: ending };
  }

  /** The error of a passed deadline. */
  timeoutError(effect: "none" | "unknown"): QuorateError<"TIMEOUT"> {
    const timeoutMs = Math.round(this.#budgetMs);
    return new QuorateError("TIMEOUT", `the request's ${timeoutMs} ms are over`, {
      effect,
      details: { operation: "http.request", timeoutMs },
    });
  }

  #arm(): void {
    if (this.#ended || this.deadlineMs === Infinity) return;
    const expire = (): void => {
      if (!this.#ended) this.#abort(this.timeoutError("unknown"));
    };
    this.#timer = this.#runtime.time.setTimer(this.remainingMs, expire, { keepAlive: false });
  }

  #abort(reason: unknown): void {
    this.#timer?.cancel();
    this.#controller?.abort(reason);
  }
}
