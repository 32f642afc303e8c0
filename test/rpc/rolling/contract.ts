/**
 * What the servers of the rolling restart are asked.
 */
import { contract } from "@quorate/rpc";

const text = (value: unknown): string => String(value);

/** One method, which takes a moment. */
export const Clock = contract("clock", "1.0.0", {
  tell: { input: text, output: text, repeat: "safe", timeoutMs: 5_000, attemptTimeoutMs: 2_000 },
});
