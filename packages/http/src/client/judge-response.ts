/**
 * Whether to ask again, and when: by what is known of the effect.
 *
 * Under one key every attempt is the same request, so an attempt whose outcome is unknown is asked
 * again without harm. Not asked again is what would be answered alike: a refusal, a key that
 * belongs to another request, a server's own error, which it may have raised half-way.
 */
import type { Ms, Time } from "@quorate/core";
import { REPLAYED_HEADER } from "../answer.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What to do after an attempt. */
export type Step =
  | { readonly kind: "done" }
  /** `afterMs`: what the server asks for; otherwise the backoff decides. */
  | { readonly kind: "again"; readonly mayHaveHappened: boolean; readonly afterMs?: Ms };

/** Not taken on, or nobody knows: a proxy's words, or a server's that is too busy. */
const ASK_AGAIN: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
/** Said before anything is done. All others may come from a proxy that heard nothing more. */
const NOT_TAKEN_ON: ReadonlySet<number> = new Set([425, 429]);

/** What to do after a response. */
export function judgeResponse(response: Response, time: Pick<Time, "wallMs">): Step {
  const { status, headers } = response;
  const replayed = headers.get(REPLAYED_HEADER) === "true";
  if (replayed) return { kind: "done" };
  const afterMs = retryAfterMs(headers, time);
  // In flight: the draft's 409 says when to come back. An application's own conflict does not.
  const again = status === 409 ? afterMs !== undefined : ASK_AGAIN.has(status);
  if (!again) return { kind: "done" };
  const mayHaveHappened = !NOT_TAKEN_ON.has(status);
  return { kind: "again", mayHaveHappened, ...(afterMs === undefined ? {} : { afterMs }) };
}
