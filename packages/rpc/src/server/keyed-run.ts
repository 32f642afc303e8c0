/**
 * One run of a keyed method, as the store that keeps the keys sees it.
 */
import type { FencingToken } from "@quorate/core";

/** What a run under a key is told. */
export interface KeyedRun {
  readonly fencingToken: FencingToken;
  readonly takeover: boolean;
  /** Aborts when the run has lost its key. */
  readonly signal: AbortSignal;
}
