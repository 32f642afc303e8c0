/**
 * The JetStream API: JSON questions on `$JS.API`, asked until answered or out of time.
 *
 * Everything asked here can be asked twice without harm (looking, creating what may exist,
 * deleting by sequence), so silence, a missing leader or a lost link are met by asking again
 * within the call's deadline. Publications are not asked here: see `kv/publish.ts`.
 */
import type { Budget } from "../budget.ts";
import { readTimeout, refused, unreachable } from "../failures.ts";
import type { Answer, Exchange } from "../link/exchange.ts";
import type { Link } from "../link/link.ts";
import { unsupported } from "../version.ts";
import { type ApiAnswer, isTemporary, parseAnswer } from "./answers.ts";

/** How long one question may stay unanswered before it is asked again. */
export const ATTEMPT_MS = 1_500;
/** First and longest wait before a refused question is asked again. */
export const BACKOFF = { firstMs: 20, longestMs: 320 } as const;

/** A question to the API. */
export interface ApiQuestion {
  /** Below the prefix: `STREAM.INFO.orders`. */
  readonly subject: string;
  readonly body?: object;
  /** For messages: "kv.get". */
  readonly operation: string;
  readonly budget: Budget;
}

/** Asks JetStream. */
export class JetStreamApi {
  readonly #exchange: Exchange;
  readonly #link: Link;
  readonly #prefix: string;
  #answered = false;

  constructor(exchange: Exchange, link: Link, prefix: string) {
    this.#exchange = exchange;
    this.#link = link;
    this.#prefix = prefix;
  }

  /**
   * Asks until there is an answer that will not change by waiting.
   *
   * @throws STORE_UNAVAILABLE there was no link, or JetStream had no leader all the time.
   * @throws TIMEOUT asked, not answered. @throws STORE_REFUSED forbidden.
   */
  async request(question: ApiQuestion): Promise<ApiAnswer> {
    const { budget, operation } = question;
    let why = "no connection to a NATS server";
    let asked = false;
    let backoffMs: number = BACKOFF.firstMs;
    while (budget.open) {
      if (!(await this.#link.whenUp(budget.leftMs, budget.signal))) break;
      const answer = await this.#ask(question);
      if (answer.kind === "message") {
        this.#answered = true;
        const read = parseAnswer(answer.message.data);
        if (read.kind === "ok" || !isTemporary(read.error)) return read;
        asked = true;
        why = `JetStream is not available (${read.error.description})`;
      } else {
        asked ||= answer.kind === "silence";
        why = this.#explain(answer, operation);
        if (answer.kind === "silence") {
          if (answer.why === "timeout") this.#link.suspect();
          continue;
        }
      }
      await budget.pause(backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF.longestMs);
    }
    budget.signal?.throwIfAborted();
    if (asked && this.#link.epoch !== undefined) throw readTimeout(operation, budget.timeoutMs);
    throw unreachable(operation, this.#link, why);
  }

  #ask(question: ApiQuestion): Promise<Answer> {
    const { budget, body } = question;
    return this.#exchange.ask({
      subject: `${this.#prefix}.${question.subject}`,
      data: body === undefined ? EMPTY : Buffer.from(JSON.stringify(body)),
      timeoutMs: Math.min(budget.leftMs, ATTEMPT_MS),
      signal: budget.signal,
    });
  }

  #explain(answer: Exclude<Answer, { kind: "message" }>, operation: string): string {
    switch (answer.kind) {
      case "refused":
        throw refused(operation, answer.reason);
      case "no-responders":
        // Once it has answered it is there, and only away: a failover, a restart.
        if (!this.#answered && this.#link.connection.info?.jetstream !== true) {
          throw jetStreamDisabled();
        }
        return "JetStream does not answer";
      case "not-sent":
        return "no connection to a NATS server";
      case "silence":
        return `no answer (${answer.why})`;
    }
  }
}

const EMPTY = new Uint8Array(0);

/** The error of a server without JetStream. */
export function jetStreamDisabled(): Error {
  return unsupported(
    "jetstream",
    "JetStream is not enabled for this account or server: start nats-server with -js, or add " +
      "jetstream {} to its configuration (and to the account's)",
  );
}
