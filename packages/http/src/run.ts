/**
 * One run of a handler: from the claim of its key to the answer that the client is given.
 *
 * An adapter captures what the handler answers and hands it to `finish`, and sends what `finish`
 * says. Mostly that is the same answer, now stored. But a run that was paused beyond its lease may
 * find that another one has answered for the key: then that answer is the one that counts, and the
 * client is given it.
 *
 * Guarantees: every run is ended once, whatever the store does; nothing here rejects or throws;
 * the store is waited for at most `storeWaitMs`, and an answer that it did not take is sent
 * nevertheless, marked: the effect has happened, and the client must know of it.
 */
import {
  effectOf,
  type EventChannel,
  isQuorateError,
  type Ms,
  type Runtime,
  type Timer,
  withDeadline,
} from "@quorate/core";
import type { Answer as Completed, Answered, Execution } from "@quorate/idempotency";
import {
  type Answer,
  NOT_STORED_HEADER,
  type NotStoredReason,
  REPLAYED_HEADER,
  withHeader,
} from "./answer.ts";
import type { IdempotencyContext } from "./context.ts";
import { inFlight, storeDown, unkeptProblem } from "./decide.ts";
import { type NotStored, notStoredChannel } from "./events.ts";
import { problemAnswer } from "./problems.ts";
import { decodeAnswer, encodeAnswer, encodeUnkept } from "./stored-answer.ts";

/** What to send. */
export type Outcome =
  /** The run's own answer, perhaps with a header more. */
  | { readonly kind: "own"; readonly answer: Answer }
  /** Somebody else's: the winner's, or a problem. */
  | { readonly kind: "other"; readonly answer: Answer };

/** What a run needs to know of its options. */
export interface RunTerms {
  readonly store: (status: number) => boolean;
  readonly maxBodyBytes: number;
  readonly unkept: "release" | "remember";
  readonly kept: ReadonlySet<string>;
  readonly maxRunMs: Ms;
  readonly storeWaitMs: Ms;
  readonly cutOffMs: Ms;
  readonly problemBase: string;
  readonly runtime: Runtime;
}

/** Statuses of handlers that did nothing: whoever comes next need not look for traces. */
const NOTHING_DONE: ReadonlySet<number> = new Set([401, 403, 413, 429]);

/** A run in hand. */
export class HttpRun {
  readonly context: IdempotencyContext;
  readonly #execution: Execution;
  readonly #terms: RunTerms;
  readonly #events: EventChannel<NotStored>;
  readonly #overdue: Timer;
  #ended = false;

  constructor(execution: Execution, clientKey: string, terms: RunTerms) {
    this.#execution = execution;
    this.#terms = terms;
    this.#events = notStoredChannel(terms.runtime);
    const { key, fencingToken, takeover, attempt, signal } = execution;
    this.context = { clientKey, key, fencingToken, takeover, attempt, signal };
    // A handler that never answers would keep its key, and its clients waiting, for ever.
    const giveUp = (): void => execution.hold();
    this.#overdue = terms.runtime.time.setTimer(terms.maxRunMs, giveUp, { keepAlive: false });
  }

  /** What an adapter needs to know for capturing an answer. */
  get terms(): Pick<RunTerms, "maxBodyBytes" | "cutOffMs" | "runtime"> {
    return this.#terms;
  }

  /** Stores the handler's answer where that is the rule, and says what to send. Never rejects. */
  async finish(answer: Answer): Promise<Outcome> {
    if (!this.#end()) return { kind: "own", answer };
    if (!this.#terms.store(answer.status)) return this.#release(answer);
    if (answer.body.byteLength > this.#terms.maxBodyBytes) {
      return this.#unkeepable(answer, "too-large");
    }
    const value = encodeAnswer(answer, this.#terms.kept);
    return this.#settle(answer, () => this.#execution.complete(value));
  }

  /** Ends the run of an answer that cannot be kept. Body and headers of `answer` are not used. */
  async finishUnkept(answer: Answer, reason: NotStoredReason): Promise<Outcome> {
    if (!this.#end()) return { kind: "own", answer };
    if (!this.#terms.store(answer.status)) return this.#release(answer);
    return this.#unkeepable(answer, reason);
  }

  /** Ends the run of a handler that threw instead of answering. */
  async fail(error: unknown): Promise<void> {
    if (!this.#end()) return;
    if (effectOf(error) === "none") await this.#execution.discard();
    else await this.#execution.release();
  }

  /** Once: the second answer of a handler, or one that comes too late, ends nothing. */
  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#overdue.cancel();
    return true;
  }

  async #release(answer: Answer): Promise<Outcome> {
    const { status } = answer;
    const ending = NOTHING_DONE.has(status) ? this.#execution.discard() : this.#execution.release();
    const winner = await this.#inTime(ending).catch(() => undefined);
    return winner === undefined ? { kind: "own", answer } : this.#winners(winner);
  }

  async #unkeepable(answer: Answer, reason: NotStoredReason): Promise<Outcome> {
    const marked = this.#tell(answer, reason);
    if (this.#terms.unkept === "release") return this.#release(marked);
    const value = encodeUnkept(answer.status);
    return this.#settle(marked, () => this.#execution.complete(value));
  }

  async #settle(answer: Answer, complete: () => Promise<Completed<unknown>>): Promise<Outcome> {
    try {
      const settled = await this.#inTime(complete());
      if (!settled.replayed) return { kind: "own", answer };
      return this.#winners({ kind: "replay", ...settled });
    } catch (error) {
      if (isQuorateError(error, "IDEMPOTENCY_SUPERSEDED")) return this.#problem(inFlight());
      const reason = isQuorateError(error, "RESULT_UNENCODABLE") ? "too-large" : "store";
      return { kind: "own", answer: this.#tell(answer, reason, error) };
    }
  }

  #winners(winner: Answered): Outcome {
    const stored = winner.kind === "replay" ? decodeAnswer(winner.value) : undefined;
    if (stored?.kind === "answer") return { kind: "other", answer: replayOf(stored.answer) };
    return this.#problem(stored === undefined ? storeDown() : unkeptProblem(stored.status));
  }

  #problem(problem: Parameters<typeof problemAnswer>[0]): Outcome {
    return { kind: "other", answer: problemAnswer(problem, this.#terms.problemBase) };
  }

  /** The store may be mute, and a client that has its effect must not wait for it long. */
  #inTime<T>(ending: Promise<T>): Promise<T> {
    const { runtime, storeWaitMs } = this.#terms;
    return withDeadline(runtime, ending, {
      timeoutMs: storeWaitMs,
      onTimeout: () => new Error(`no answer from the store in ${storeWaitMs} ms`),
    });
  }

  #tell(answer: Answer, reason: NotStoredReason, error?: unknown): Answer {
    if (this.#events.hasSubscribers) {
      const { status } = answer;
      const name = error === undefined ? {} : { error: nameOf(error) };
      this.#events.publish({ key: this.context.key, status, reason, ...name });
    }
    return withHeader(answer, NOT_STORED_HEADER, reason);
  }
}

/** `answer` as every client but the first is given it. */
export function replayOf(answer: Answer): Answer {
  return withHeader(answer, REPLAYED_HEADER, "true");
}

function nameOf(error: unknown): string {
  if (isQuorateError(error)) return error.code;
  return error instanceof Error ? error.name : "unknown";
}
