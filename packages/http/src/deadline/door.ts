/**
 * The door that knows how long the caller will wait.
 *
 * Guarantees: a request whose time is over when it arrives, or was read, is answered 504 and runs
 * nothing; no caller is given more than `maxMs`; a door inside another can only shorten the time.
 * Does not answer in place of a handler that runs: its answer would look final while the work goes
 * on, and a retry would run beside it. The handler is told by its signal, and answers itself.
 */
import type { Answer } from "../answer.ts";
import type { Door, Entry, Visit } from "../doors/door.ts";
import { errorAnswer } from "../error-problem.ts";
import { documentAnswer } from "../problem-document.ts";
import { liveDeadline, rememberDeadline, withinDeadline } from "./context.ts";
import { LiveDeadline } from "./live-deadline.ts";
import {
  type CheckedDeadlineOptions,
  checkDeadlineOptions,
  type HttpDeadlineOptions,
} from "./options.ts";
import { readBudget } from "./read-budget.ts";

/** Reads the header and starts the clock. */
export class DeadlineDoor<R> implements Door<R> {
  readonly #options: CheckedDeadlineOptions;

  constructor(options: HttpDeadlineOptions = {}) {
    this.#options = checkDeadlineOptions(options);
  }

  enter(visit: Visit<R>): Entry {
    const { defaultMs, header, maxMs, problemBase, runtime } = this.#options;
    const budget = readBudget(visit.header(header));
    if (budget.kind === "illegible") return { kind: "answer", answer: this.#illegible() };
    const askedMs = budget.kind === "given" ? Math.min(budget.budgetMs, maxMs) : defaultMs;
    const outerMs = liveDeadline(visit.request)?.remainingMs ?? Infinity;
    const deadline = new LiveDeadline(runtime, Math.min(askedMs, outerMs));
    const late = (): Answer | undefined =>
      deadline.isExpired ? expiredAnswer(deadline, problemBase) : undefined;
    const expired = late();
    if (expired !== undefined) return { kind: "answer", answer: expired };
    rememberDeadline(visit.request as object, deadline);
    visit.onLeave(() => deadline.leave());
    visit.onEnd(() => deadline.end());
    return {
      kind: "enter",
      within: (inside) => withinDeadline(deadline, inside),
      late,
      lasts: () => deadline.isWatched,
    };
  }

  #illegible(): Answer {
    const { header, problemBase } = this.#options;
    return documentAnswer({
      type: `${problemBase}deadline-invalid`,
      title: "The deadline is invalid",
      status: 400,
      detail: `The header ${header} must be one whole number of milliseconds.`,
      effect: "none",
    });
  }
}

/** 504 for a request that ran nothing. */
export function expiredAnswer(deadline: LiveDeadline, problemBase: string): Answer | undefined {
  return errorAnswer(deadline.timeoutError("none"), problemBase);
}
