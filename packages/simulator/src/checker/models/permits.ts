/**
 * Permits: a weighted semaphore.
 */
import { positiveInteger } from "@quorate/core";
import type { Model } from "../model.ts";
import {
  checkLockModelOptions,
  claimModel,
  type ClaimState,
  type LockModelOptions,
} from "./claims.ts";

/** Options of `permits`. */
export interface PermitsModelOptions extends LockModelOptions {
  /** Permits in all. */
  readonly capacity: number;
}

/**
 * Model of a semaphore: `acquire { weight? }` (1 unless said), `renew`, `release`.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "acquire", v: { weight: 2 } },
 *   { t: 1, p: "a", op: 0, type: "ok", f: "acquire" },
 *   { t: 2, p: "b", op: 1, type: "invoke", f: "acquire", v: { weight: 2 } },
 *   { t: 3, p: "b", op: 1, type: "ok", f: "acquire" },
 * ]);
 * console.log(checkLinearizable(history, permits({ capacity: 3 })).verdict); // illegal
 */
export function permits(options: PermitsModelOptions): Model<ClaimState> {
  const { exactRefusals } = checkLockModelOptions(options, ["capacity"]);
  return claimModel({
    name: "permits",
    capacity: positiveInteger("capacity", options.capacity),
    weightOf: ({ weight = 1 }) =>
      Number.isSafeInteger(weight) && (weight as number) > 0 ? (weight as number) : undefined,
    fenced: false,
    exactRefusals,
  });
}
