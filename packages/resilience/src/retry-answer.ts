/**
 * Answers of a caller's functions that cannot be followed.
 */
import { invalidArgument } from "@quorate/core";

/** The error for `answer`. A promise is not waited for, and its failure harms nobody. */
export function notFollowed(what: string, answer: unknown, expected: string): Error {
  if (answer instanceof Promise) answer.catch(() => {});
  return invalidArgument(`the answer of ${what}`, answer, expected);
}
