/**
 * `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
 */
import type { Ms, Time } from "@quorate/core";

/** The delay that a response asks for; `undefined`: none, or none that can be read. */
export function retryAfterMs(headers: Headers, time: Pick<Time, "wallMs">): Ms | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  // A date always has its day's name; `Date.parse` alone would take "7.5" for a month.
  const dateMs = /^[A-Z][a-z]{2}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - time.wallMs());
}
