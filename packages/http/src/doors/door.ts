/**
 * Doors: what stands before a handler, said once for all frameworks.
 *
 * A door is asked about a visit and says: answer this, or go in. Adapters know how a framework
 * sends an answer, goes on to its handler, and learns that the client left; doors know nothing of
 * that, and of nothing else.
 */
import type { Answer } from "../answer.ts";
import type { HeaderValue } from "../deadline/read-budget.ts";

/** How a visit ended. */
export type VisitEnd =
  /** The handler has answered with this status. */
  | { readonly kind: "answered"; readonly status: number }
  /** The handler threw, and the framework makes the answer. */
  | { readonly kind: "threw"; readonly error: unknown };

/** One request at a door. */
export interface Visit<R> {
  /** What options are asked about, and what `deadlineOf` knows. */
  readonly request: R;
  readonly method: string;
  /** Path with query, as the client sent it. */
  readonly target: string;
  /** A header by its name in lower case. */
  header(name: string): HeaderValue;
  /** Calls `listener` once if the client leaves before the response has ended. */
  onLeave(listener: () => void): void;
  /** Calls `listener` once the handler has ended, though the client may have left before. */
  onEnd(listener: (end: VisitEnd) => void): void;
}

/** What a door says. */
export type Entry =
  | { readonly kind: "answer"; readonly answer: Answer }
  | {
      readonly kind: "enter";
      /** Runs what is further in; where there is none, just run it. */
      readonly within?: <T>(inside: () => T) => T;
      /** Asked again after the body was read: an answer after all? */
      readonly late?: () => Answer | undefined;
      /** Whether the end of a streamed body matters, or only that of the handler. */
      readonly lasts?: () => boolean;
    };

/** Nothing to say. */
export const ENTER: Entry = { kind: "enter" };

/** What stands before a handler. Rejects with what a function of its options throws. */
export interface Door<R> {
  enter(visit: Visit<R>): Entry | Promise<Entry>;
}

/** The path of a target, without its query. */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}
