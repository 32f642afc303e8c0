/**
 * The caller's budget in a header: how many milliseconds it will still wait.
 *
 * A duration and not an instant, since the clocks of two machines differ by more than most budgets.
 * The header is written by whoever can reach the service. So it can shorten the time there is, and
 * never lengthen it beyond what the service allows; and what is no plain number is refused, because
 * guessing would give a buggy client a deadline that nobody chose.
 */
import type { Ms } from "@quorate/core";

/** A header as frameworks have it: its value, or that of each line, or nothing. */
export type HeaderValue = string | readonly string[] | null | undefined;

/** What the header says. */
export type Budget =
  | { readonly kind: "none" }
  | { readonly kind: "given"; readonly budgetMs: Ms }
  | { readonly kind: "illegible" };

/** Whole milliseconds; more than a day's worth of digits is still a number, to be clamped. */
const DIGITS = /^[0-9]{1,12}$/;

/** Reads the header. Never throws. */
export function readBudget(header: HeaderValue): Budget {
  if (header === null || header === undefined) return { kind: "none" };
  const value = typeof header === "string" ? header : header.length === 1 ? header[0] : "";
  if (value === undefined || !DIGITS.test(value)) return { kind: "illegible" };
  return { kind: "given", budgetMs: Number(value) };
}
