/**
 * One question at a desk, from the moment it is asked to its answer or its deadline.
 */
import { deferred, type Deferred } from "../abort.ts";
import { QuorateError } from "../errors/quorate-error.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Entry } from "../waist/kv.ts";
import type { Grant } from "../waist/leases.ts";
import type { Input, Verdict } from "./line.ts";
import type { LeaseRecord } from "./record.ts";
import type { Standing } from "./standings.ts";

/** The answer. */
export interface Reply {
  readonly verdict: Verdict;
  /** Where the verdict is `held`, unless another ask released it in the same step. */
  readonly grant?: Grant;
  /** The record on which the verdict rests. */
  readonly record: LeaseRecord;
  readonly entry: Entry | undefined;
}

/** What is asked. */
export interface AskOptions {
  readonly name: string;
  readonly input: Input;
  readonly timeoutMs: Ms;
  /** How many exchanges with the store had begun: only later ones know of this ask. */
  readonly arrival: number;
  /** Where the claim is to stand if it has to wait. */
  readonly standing: Standing | undefined;
  /** Finds out what became of it, once its own time is up. */
  readonly lookAgain: () => Promise<Reply>;
}

/** A question that is open until `reply` settles, by its deadline at the latest. */
export class Ask {
  readonly input: Input;
  readonly standing: Standing | undefined;
  readonly arrival: number;
  readonly deadlineMs: Ms;
  readonly #options: AskOptions;
  readonly #reply: Deferred<Reply> = deferred<Reply>();
  readonly #timer: Timer;
  #settled = false;
  #sent = false;
  #doubted = false;

  constructor(runtime: Runtime, options: AskOptions) {
    const { input, standing, arrival, timeoutMs } = options;
    this.input = input;
    this.standing = standing;
    this.arrival = arrival;
    this.deadlineMs = runtime.time.monotonicMs() + timeoutMs;
    this.#options = options;
    const onTimeout = (): void => this.reject(this.#deadlineError());
    this.#timer = runtime.time.setTimer(timeoutMs, onTimeout);
  }

  get reply(): Promise<Reply> {
    return this.#reply.promise;
  }

  /** True once it was answered, or gave up. */
  get settled(): boolean {
    return this.#settled;
  }

  /** True if a write that had it in it was never answered: its effect may be there already. */
  get doubted(): boolean {
    return this.#doubted;
  }

  get owner(): string {
    return this.input.kind === "claim" ? this.input.claim.owner : this.input.owner;
  }

  /** It is part of a write that leaves now. */
  noteSent(): void {
    this.#sent = true;
  }

  /** That write was refused, or its outcome is not known. */
  noteUnwritten(unknown: boolean): void {
    this.#sent = false;
    this.#doubted ||= unknown;
  }

  resolve(reply: Reply): void {
    this.#settle();
    this.#reply.resolve(reply);
  }

  reject(error: unknown): void {
    this.#settle();
    this.#reply.reject(error);
  }

  /** The engine is closing: no answer will come any more. */
  cut(closed: unknown): void {
    if (this.#settled) return;
    if (!this.#sent && !this.#doubted) return this.reject(closed);
    this.reject(this.#unknownError(`closed before lease ${this.#where()} was answered`));
  }

  #settle(): void {
    this.#settled = true;
    this.#timer.cancel();
  }

  #deadlineError(): QuorateError {
    const { input, timeoutMs } = this.#options;
    const what = `no answer about lease ${this.#where()} within ${timeoutMs} ms`;
    if (this.#sent || this.#doubted) return this.#unknownError(what);
    const details = { operation: `lease ${input.kind}` };
    const message = `${what}; nothing was written for it`;
    return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
  }

  #unknownError(what: string): QuorateError {
    const { name, input, timeoutMs } = this.#options;
    const message = `${what}; it may have happened: ask again with the same owner, or release it`;
    const details = { operation: `lease ${input.kind}`, key: name, afterMs: timeoutMs };
    const resolve = async (): Promise<"applied" | "none"> => {
      const { verdict } = await this.#options.lookAgain();
      const wanted = input.kind === "claim" || input.kind === "renew" ? "present" : "absent";
      return verdict === wanted ? "applied" : "none";
    };
    return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details, resolve });
  }

  #where(): string {
    return JSON.stringify(this.#options.name);
  }
}
