/**
 * How a dependency says that it has too much to do.
 *
 * In our own words (`OVERLOADED`, and the rejections of its limits, as they come back over a wire),
 * in those of HTTP (429, 503), or by not answering in time.
 */
import { type ErrorCode, isQuorateError } from "@quorate/core";

const SIGNS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "OVERLOADED",
  "RATE_LIMITED",
  "BULKHEAD_FULL",
  "THROTTLED",
  "TIMEOUT",
]);

/** True for an error by which a dependency sheds load, or shows that it should. Never throws. */
export function isShedSign(error: unknown): boolean {
  if (isQuorateError(error)) return SIGNS.has(error.code);
  if (typeof error !== "object" || error === null) return false;
  try {
    const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
    const found = status ?? statusCode;
    return found === 429 || found === 503;
  } catch {
    return false; // A getter that throws says nothing.
  }
}
