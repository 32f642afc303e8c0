/**
 * Options of a saga's verbs from outside.
 */
import type { Ms } from "@quorate/core";

/** How an errand is sent. */
export interface ErrandOptions {
  /** How long its answer is waited for. @default 5000 */
  readonly timeoutMs?: Ms;
  /** Ends the wait; the errand may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** How long an answer is waited for, where nobody says. */
export const DEFAULT_ERRAND_TIMEOUT_MS = 5_000;
