/**
 * A mutex: one holder at a time.
 *
 * A lock whose holds end by themselves is no mutex; see `withLeaseExpiry`.
 */
import type { Model } from "../model.ts";
import {
  checkLockModelOptions,
  claimModel,
  type ClaimState,
  type LockModelOptions,
} from "./claims.ts";

/**
 * Model of a mutex: `acquire`, `renew`, `release`, each with an optional `{ owner }`; the result
 * `false` is a refusal.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "acquire" },
 *   { t: 1, p: "a", op: 0, type: "ok", f: "acquire" },
 *   { t: 2, p: "b", op: 1, type: "invoke", f: "acquire" },
 *   { t: 3, p: "b", op: 1, type: "ok", f: "acquire" },
 * ]);
 * console.log(checkLinearizable(history, mutex()).verdict); // illegal: two holders
 */
export function mutex(options: LockModelOptions = {}): Model<ClaimState> {
  const { exactRefusals } = checkLockModelOptions(options);
  return claimModel({
    name: "mutex",
    capacity: 1,
    weightOf: () => 1,
    fenced: false,
    exactRefusals,
  });
}
