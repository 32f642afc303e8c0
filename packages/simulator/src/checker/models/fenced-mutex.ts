/**
 * A mutex whose grants carry fencing tokens: each strictly greater than all before.
 */
import type { Model } from "../model.ts";
import {
  checkLockModelOptions,
  claimModel,
  type ClaimState,
  type LockModelOptions,
} from "./claims.ts";

/**
 * Model of a fenced mutex: as `mutex`, and the result of `acquire` is the token, or `false`.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "acquire" },
 *   { t: 1, p: "a", op: 0, type: "ok", f: "acquire", v: 33 },
 *   { t: 2, p: "a", op: 1, type: "invoke", f: "release" },
 *   { t: 3, p: "a", op: 1, type: "ok", f: "release" },
 *   { t: 4, p: "b", op: 2, type: "invoke", f: "acquire" },
 *   { t: 5, p: "b", op: 2, type: "ok", f: "acquire", v: 33 },
 * ]);
 * console.log(checkLinearizable(history, fencedMutex()).verdict); // illegal: the same token
 */
export function fencedMutex(options: LockModelOptions = {}): Model<ClaimState> {
  const { exactRefusals } = checkLockModelOptions(options);
  return claimModel({
    name: "fenced mutex",
    capacity: 1,
    weightOf: () => 1,
    fenced: true,
    exactRefusals,
  });
}
