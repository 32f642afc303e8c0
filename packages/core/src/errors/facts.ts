/**
 * What any error, ours or not, says of its outcome: did it happen, and when to ask again.
 *
 * Our own errors carry both. Of Node's, those raised before the first byte left are as good as a
 * word: the name did not resolve, nobody listened. Of all others nothing is known, and nothing is
 * guessed from their messages. Never throws, whatever was thrown.
 */
import type { Effect } from "./codes.ts";

/** System calls that failed before anything was sent. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

const MAX_CAUSES = 4;

/**
 * Whether the effect of the call that threw `error` happened; `undefined`: the error does not say.
 *
 * Read from an own `effect` of `"none"`, `"unknown"` or `"applied"`, else from Node's codes of
 * connections that were never made, here or in a `cause`.
 *
 * @example
 * import { effectOf } from "@quorate/core";
 * console.log(effectOf(Object.assign(new Error(), { code: "ECONNREFUSED" }))); // => none
 * console.log(effectOf(new Error("something"))); // => undefined
 */
export function effectOf(error: unknown): Effect | undefined {
  let at = error;
  for (let depth = 0; depth < MAX_CAUSES && isObject(at); depth++) {
    const effect = read(at, "effect");
    if (effect === "none" || effect === "unknown" || effect === "applied") return effect;
    if (NEVER_SENT.has(read(at, "code"))) return "none";
    at = read(at, "cause");
  }
  return undefined;
}

/** How long the other side asks to wait, in `retryAfterMs` of the error or of its details. */
export function retryAfterMsOf(error: unknown): number | undefined {
  if (!isObject(error)) return undefined;
  const own = read(error, "retryAfterMs");
  if (isDelay(own)) return own;
  const details = read(error, "details");
  const told = isObject(details) ? read(details, "retryAfterMs") : undefined;
  return isDelay(told) ? told : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isDelay(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}

/** A thrown value may be a proxy or have getters that throw. */
function read(from: object, name: string): unknown {
  try {
    return (from as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}
