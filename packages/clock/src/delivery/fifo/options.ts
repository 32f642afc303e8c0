/** Bounds and rhythm of the streams, the same under every order. */
import { knownOptions, positive, positiveInteger } from "@quorate/core";

/** Bounds and rhythm. */
export interface StreamOptions {
  /** Messages of each stream kept for those who missed them. @default 1024 */
  readonly logMax?: number;
  /** Messages held back in all, until what comes before them has arrived. @default 1024 */
  readonly holdBackMax?: number;
  /** Messages asked for, and sent again, at a time. @default 64 */
  readonly batchMax?: number;
  /** Wait before asking for the same messages again; doubles each time. @default 200 */
  readonly retryMs?: number;
  /** Longest wait between two requests for the same messages. @default 5000 */
  readonly maxRetryMs?: number;
}

/** Options with their defaults. */
export type CheckedStreamOptions = Required<StreamOptions>;

/** The names of all stream options. */
export const STREAM_OPTIONS = [
  "logMax",
  "holdBackMax",
  "batchMax",
  "retryMs",
  "maxRetryMs",
] as const;

/** Checks options and fills in defaults. */
export function checkStreamOptions(options: StreamOptions): CheckedStreamOptions {
  knownOptions("streams", options, STREAM_OPTIONS);
  const retryMs = positive("retryMs", options.retryMs ?? 200);
  return {
    logMax: positiveInteger("logMax", options.logMax ?? 1_024),
    holdBackMax: positiveInteger("holdBackMax", options.holdBackMax ?? 1_024),
    batchMax: positiveInteger("batchMax", options.batchMax ?? 64),
    retryMs,
    maxRetryMs: Math.max(retryMs, positive("maxRetryMs", options.maxRetryMs ?? 5_000)),
  };
}
