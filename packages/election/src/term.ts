/**
 * The `Leadership` that a leader holds: a lock, with the words of elections.
 *
 * The lock knows when the lease ends, and this when the work under it shall. Both come together in
 * one signal, and the first reason stays.
 */
import {
  type FencingToken,
  isQuorateError,
  type Json,
  type LossReason,
  type Ms,
  onAbort,
} from "@quorate/core";
import type { Lock } from "@quorate/lock";
import { type EndReason, lostError } from "./election-errors.ts";
import type { Leadership, ResignAnswer } from "./leadership.ts";

/** What a term needs of its candidate. */
export interface TermDuties {
  readonly election: string;
  readonly candidate: string;
  publish(term: Term, value: Json, signal: AbortSignal | undefined): Promise<void>;
  resign(term: Term): Promise<ResignAnswer>;
  /** Called once, when the lease is lost. */
  lost(term: Term): void;
}

/** See `Leadership`. */
export class Term implements Leadership {
  readonly exclusive = true;
  readonly term: FencingToken;
  readonly #lock: Lock;
  readonly #duties: TermDuties;
  readonly #controller = new AbortController();
  #forget: () => void = () => {};
  #stage: "held" | "stepping-down" | "over" = "held";
  #reason: EndReason | undefined;

  constructor(lock: Lock, duties: TermDuties) {
    this.#lock = lock;
    this.#duties = duties;
    this.term = lock.fencingToken;
  }

  /** Tells of a loss from now on, also of one that has happened. */
  listen(): void {
    this.#forget = onAbort(this.#lock.signal, () => this.#lose());
  }

  get election(): string {
    return this.#duties.election;
  }

  get candidate(): string {
    return this.#duties.candidate;
  }

  get fencingToken(): FencingToken {
    return this.term;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isLeader(): boolean {
    return this.#stage === "held" && this.#lock.remainingMs > 0;
  }

  get remainingMs(): Ms {
    return this.#stage === "over" ? 0 : this.#lock.remainingMs;
  }

  /** Why it is over or shall be. */
  get reason(): EndReason | undefined {
    return this.#reason;
  }

  check(): FencingToken {
    // Of a lapsed lock nobody may listen any more, but its clocks tell.
    if (this.#stage !== "over" && this.#lock.remainingMs > 0) return this.term;
    throw lostError(this.election, this.term, this.#reason ?? "expired");
  }

  async publish(value: Json, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.check();
    await this.#duties.publish(this, value, options.signal);
  }

  resign(): Promise<ResignAnswer> {
    return this.#duties.resign(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign().catch(() => {});
  }

  /** Tells the work to stop. The lease is still held. */
  stepDown(reason: EndReason): void {
    if (this.#stage !== "held") return;
    this.#stage = "stepping-down";
    this.#end(reason);
  }

  /** Stops renewing: nobody else leads before the lease has run out. */
  lapse(): void {
    this.#lock.lapse();
  }

  /** Gives the lease back; tells of no loss from now on. */
  async giveBack(): Promise<"released" | "expired" | "left-to-expire"> {
    const wasOver = this.#stage === "over";
    this.#stage = "over";
    this.#forget();
    this.#end("resigned");
    try {
      const answer = await this.#lock.release();
      return wasOver ? "expired" : answer;
    } catch {
      return "left-to-expire"; // The store refuses; nobody renews it any more.
    }
  }

  #lose(): void {
    const { reason } = this.#lock.signal;
    const why: LossReason = isQuorateError(reason, "LOCK_LOST") ? reason.details.reason : "expired";
    this.#stage = "over";
    this.#end(why);
    this.#duties.lost(this);
  }

  #end(reason: EndReason): void {
    this.#reason ??= reason;
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(lostError(this.election, this.term, reason));
  }
}
