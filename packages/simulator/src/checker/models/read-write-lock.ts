/**
 * A read-write lock: many readers, or one writer. A reader is a claim of weight 1, a writer a
 * claim of everything.
 */
import type { Model } from "../model.ts";
import {
  checkLockModelOptions,
  claimModel,
  type ClaimState,
  type LockModelOptions,
} from "./claims.ts";

const EVERYTHING = 2 ** 40;

/**
 * Model of a read-write lock: `acquire { mode: "read" | "write" }`, `renew`, `release`.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "acquire", v: { mode: "read" } },
 *   { t: 1, p: "a", op: 0, type: "ok", f: "acquire" },
 *   { t: 2, p: "b", op: 1, type: "invoke", f: "acquire", v: { mode: "write" } },
 *   { t: 3, p: "b", op: 1, type: "ok", f: "acquire" },
 * ]);
 * console.log(checkLinearizable(history, readWriteLock()).verdict); // illegal
 */
export function readWriteLock(options: LockModelOptions = {}): Model<ClaimState> {
  const { exactRefusals } = checkLockModelOptions(options);
  return claimModel({
    name: "read-write lock",
    capacity: EVERYTHING,
    weightOf: ({ mode }) => (mode === "read" ? 1 : mode === "write" ? EVERYTHING : undefined),
    fenced: false,
    exactRefusals,
  });
}
