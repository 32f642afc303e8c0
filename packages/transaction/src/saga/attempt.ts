/**
 * One attempt of one function of a step: what it is given, and how long it may take.
 *
 * The signal is made when somebody looks at it. An attempt that is over by its time is over: what
 * it answers later is not heard, as the same key is asked again.
 */
import {
  type Around,
  effectOf,
  type FencingToken,
  isQuorateError,
  type Ms,
  QuorateError,
  retryAfterMsOf,
} from "@quorate/core";
import type { Alarm, Alarms } from "./alarms.ts";
import type { StepOutcome, UndoContext } from "./model.ts";
import { cut } from "./record.ts";

/** How an attempt ended. */
export type Answer =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "refused"; readonly reason: string }
  | {
      readonly kind: "failed";
      readonly error: string;
      /** It may have taken effect. */
      readonly isInDoubt: boolean;
      /** The participant's word on when to ask again. */
      readonly retryAfterMs: Ms | undefined;
    }
  /** The worker lost the saga, or closes: nothing is to be written. */
  | { readonly kind: "lost" };

/** What an attempt is about. */
export interface AttemptFacts {
  readonly id: string;
  readonly step: string;
  readonly key: string;
  readonly input: unknown;
  readonly out: unknown;
  readonly attempt: number;
  readonly fencingToken: FencingToken;
  readonly outcome: StepOutcome;
  /** A step's run, and not its undo. */
  readonly isForward: boolean;
  /** Tells that its function is about to be called; what is returned calls it. */
  readonly begins?: AttemptBegins | undefined;
}

/** Tells tracers of an attempt, or of the question whether it took effect. */
export type AttemptBegins = (question?: "check") => Around;

const LOST: Answer = { kind: "lost" };

/** The context that a step's function sees, and the attempt that is under way. */
export class Attempt implements UndoContext {
  readonly id: string;
  readonly step: string;
  readonly key: string;
  readonly input: unknown;
  readonly out: unknown;
  readonly attempt: number;
  readonly fencingToken: FencingToken;
  readonly outcome: StepOutcome;
  readonly isForward: boolean;
  readonly #begins: AttemptBegins | undefined;
  #controller: AbortController | undefined;
  #abortedBy: { readonly reason: unknown } | undefined;
  #pending: Pending | undefined;

  constructor(facts: AttemptFacts) {
    this.id = facts.id;
    this.step = facts.step;
    this.key = facts.key;
    this.input = facts.input;
    this.out = facts.out;
    this.attempt = facts.attempt;
    this.fencingToken = facts.fencingToken;
    this.outcome = facts.outcome;
    this.isForward = facts.isForward;
    this.#begins = facts.begins;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy.reason);
    }
    return this.#controller.signal;
  }

  /** Tells the work to stop. Its answer is still waited for, within its time. */
  abort(reason: unknown): void {
    this.#abortedBy ??= { reason };
    this.#controller?.abort(reason);
  }

  /** As `abort`, and its answer is not waited for. */
  lose(reason: unknown): void {
    this.abort(reason);
    this.#pending?.end(LOST);
  }

  /** Runs `work` for at most `timeoutMs`. Not a promise where the work is none. */
  perform(
    work: (context: never) => unknown,
    alarms: Alarms,
    timeoutMs: Ms,
    question?: "check",
  ): Answer | Promise<Answer> {
    let value: unknown;
    try {
      const around = this.#begins?.(question);
      value = around === undefined ? work(this as never) : around(() => work(this as never));
    } catch (error) {
      return answerOf(error);
    }
    if (!isThenable(value)) return { kind: "done", value };
    this.#pending = new Pending(this, alarms, timeoutMs);
    return this.#pending.answerOf(value);
  }
}

/** Work that has not answered yet, and its time. One object for each attempt, not six. */
class Pending implements Alarm {
  wakeMs = 0;
  heapIndex = -1;
  readonly #attempt: Attempt;
  readonly #alarms: Alarms;
  readonly #timeoutMs: Ms;
  #resolve: ((answer: Answer) => void) | undefined;

  constructor(attempt: Attempt, alarms: Alarms, timeoutMs: Ms) {
    this.#attempt = attempt;
    this.#alarms = alarms;
    this.#timeoutMs = timeoutMs;
  }

  /** The first that comes: what the work says, that its time is over, or that the saga is lost. */
  answerOf(work: PromiseLike<unknown>): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => (this.#resolve = resolve));
    this.#alarms.add(this.#timeoutMs, this);
    work.then(
      (value) => this.end({ kind: "done", value }),
      (error: unknown) => this.end(answerOf(error)),
    );
    return answer;
  }

  end(answer: Answer): void {
    this.#alarms.clear(this);
    this.#resolve?.(answer);
    this.#resolve = undefined;
  }

  ring(): void {
    const error = timeoutError(this.#attempt.key, this.#timeoutMs);
    this.end(answerOf(error));
    this.#attempt.abort(error);
  }
}

/** What a thrown error says of the attempt. Only REFUSED is a no; all else may have happened. */
export function answerOf(error: unknown): Answer {
  if (isQuorateError(error, "REFUSED")) {
    return { kind: "refused", reason: cut(error.details.reason) };
  }
  return {
    kind: "failed",
    error: describe(error),
    isInDoubt: effectOf(error) !== "none",
    retryAfterMs: retryAfterMsOf(error),
  };
}

/** Short, on one line. */
function describe(error: unknown): string {
  try {
    if (error instanceof Error) return cut(`${error.name}: ${error.message}`);
    return cut(typeof error === "string" ? error : `threw ${typeof error}`);
  } catch {
    return "threw what cannot be read";
  }
}

function timeoutError(key: string, timeoutMs: Ms): QuorateError<"TIMEOUT"> {
  const message = `no answer from ${key} in ${timeoutMs} ms; it may have happened`;
  const details = { operation: key, timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
