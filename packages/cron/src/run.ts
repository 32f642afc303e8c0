/**
 * One run of a handler: its signal, its bounds, and what became of it.
 *
 * Three things tell a run to stop: its time is up, its process's lease was lost, `close` has waited
 * long enough. The signal says which. A run that does not listen is waited for a while longer and
 * then given up: its record is ended, and what it still does is refused where fencing tokens are
 * checked.
 */
import {
  deferred,
  type FencingToken,
  type Ms,
  onAbort,
  QuorateError,
  type Runtime,
  show,
  sleep,
  type Timer,
} from "@quorate/core";
import type { Lock } from "@quorate/lock";
import type { Ending } from "./machine.ts";
import type { Claimed } from "./record.ts";

/** How long a run that was told to stop may take to do so. */
export const STOP_MS = 10_000;
/** The same, when `close` has waited already. */
export const CLOSE_STOP_MS = 1_000;

/** What a handler is given. */
export interface RunContext {
  /** The job's name. */
  readonly job: string;
  /** The instant for which the run was scheduled; of a run by hand: when it was asked for. */
  readonly tick: Date;
  /**
   * Names the tick: the same in a retry after a crash, and in no other tick. Use it as the
   * idempotency key of what the run does.
   */
  readonly key: string;
  /** Greater than that of every claim of this job before. Hand it to what you write to. */
  readonly fencingToken: FencingToken;
  /** 1 for the first; more: a process died at it before. */
  readonly attempt: number;
  /** By `trigger`, not by the schedule. */
  readonly manual: boolean;
  /**
   * Aborts when the run should stop: LOCK_LOST (the lease is over, another may run it), TIMEOUT
   * (`timeoutMs`), CLOSED (`close` has waited long enough).
   */
  readonly signal: AbortSignal;
  /**
   * Throws if the run should stop; else the token. Reads both clocks, so it notices what a paused
   * process's signal cannot know yet.
   *
   * @throws LOCK_LOST the lease is over.
   * @throws TIMEOUT, CLOSED as the signal.
   */
  check(): FencingToken;
}

/** Runs when a tick is due. What it throws is recorded; what it returns is not. */
export type JobHandler = (run: RunContext) => unknown;

type Stop = "timed-out" | "lost" | "closing";

/** A run under way. */
export class Run implements RunContext {
  readonly job: string;
  readonly tick: Date;
  readonly key: string;
  readonly fencingToken: FencingToken;
  readonly attempt: number;
  readonly manual: boolean;
  readonly claimed: Claimed;
  readonly #lock: Lock;
  readonly #runtime: Runtime;
  readonly #controller = new AbortController();
  readonly #gaveUp = deferred<void>();
  readonly #timers: Timer[] = [];
  readonly #unsubscribe: () => void;
  #stop: Stop | undefined;

  constructor(
    job: string,
    claimed: Claimed,
    by: { readonly lock: Lock; readonly runtime: Runtime },
  ) {
    this.job = job;
    this.claimed = claimed;
    this.tick = new Date(claimed.tickMs);
    this.key = claimed.key;
    this.fencingToken = claimed.fencingToken;
    this.attempt = claimed.attempt;
    this.manual = claimed.manual;
    this.#lock = by.lock;
    this.#runtime = by.runtime;
    this.#unsubscribe = onAbort(by.lock.signal, () => {
      // Its own `close` takes the lease away last; until then it was lost.
      this.#tell("lost", lostError(this.claimed), STOP_MS);
    });
  }

  get signal(): AbortSignal {
    // The lease is looked at: after a pause the code may run before the timers.
    void this.#lock.remainingMs;
    return this.#controller.signal;
  }

  check(): FencingToken {
    this.signal.throwIfAborted();
    return this.fencingToken;
  }

  /** `close` has waited long enough. */
  close(reason: QuorateError): void {
    this.#tell("closing", reason, CLOSE_STOP_MS);
  }

  /** Runs `handler` within its bounds. Never rejects. */
  async perform(
    handler: JobHandler,
    bounds: { readonly jitterMs: Ms; readonly timeoutMs: Ms | undefined },
  ): Promise<Ending> {
    const { time } = this.#runtime;
    const pauseMs = this.#runtime.random.next() * bounds.jitterMs;
    let beganMs = time.monotonicMs();
    let error: unknown;
    try {
      if (pauseMs > 0) await sleep(this.#runtime, pauseMs, { signal: this.signal });
      this.check();
      beganMs = time.monotonicMs();
      this.#limit(bounds.timeoutMs);
      await this.#settled(handler);
    } catch (thrown) {
      // Also `undefined` is an error if it was thrown.
      error = thrown ?? "nothing was thrown as an error";
    }
    for (const timer of this.#timers) timer.cancel();
    this.#unsubscribe();
    return { outcome: this.#outcome(error), durationMs: time.monotonicMs() - beganMs, error };
  }

  #outcome(error: unknown): Ending["outcome"] {
    if (this.#stop === "timed-out") return "timed-out";
    if (error === undefined) return "done";
    return this.#stop === undefined ? "failed" : "crashed";
  }

  /** Resolves when the handler has ended, rejects with its error, or once it was given up. */
  async #settled(handler: JobHandler): Promise<void> {
    const working = (async () => void (await handler(this)))();
    working.catch(() => {}); // Given up, it may fail when nobody listens any more.
    const isOver = await Promise.race([working.then(() => true), this.#gaveUp.promise]);
    if (isOver !== true) throw this.#controller.signal.reason;
    // It returned, and not because it was told to: what it did is done.
    if (this.#stop === "timed-out") throw this.#controller.signal.reason;
  }

  #limit(timeoutMs: Ms | undefined): void {
    if (timeoutMs === undefined) return;
    const error = timeoutError(this.job, timeoutMs);
    this.#after(timeoutMs, () => this.#tell("timed-out", error, STOP_MS));
  }

  #tell(stop: Stop, reason: QuorateError, giveUpMs: Ms): void {
    // A second reason may only shorten the wait.
    this.#stop ??= stop;
    this.#controller.abort(reason);
    this.#after(giveUpMs, () => this.#gaveUp.resolve());
  }

  #after(ms: Ms, callback: () => void): void {
    this.#timers.push(this.#runtime.time.setTimer(ms, callback, { keepAlive: false }));
  }
}

/** LOCK_LOST of a run: the lease that stood for it is over. */
export function lostError({ key, fencingToken }: Claimed): QuorateError<"LOCK_LOST"> {
  const message =
    `the run ${show(key)} (token ${fencingToken}) has lost its lease: its process was paused or ` +
    "cut off for longer than leaseMs; another may run it: stop, and let the guard refuse what " +
    "comes late";
  return new QuorateError("LOCK_LOST", message, {
    effect: "unknown",
    details: { key, fencingToken, reason: "expired" },
  });
}

function timeoutError(job: string, timeoutMs: Ms): QuorateError<"TIMEOUT"> {
  const message = `a run of ${show(job)} took longer than ${timeoutMs} ms and was told to stop`;
  const details = { operation: `cron ${show(job)}`, timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
