/**
 * What is wrong with an operator's word is said before anything is read or sent.
 */
import { boundedString, invalidArgument, knownOptions } from "@quorate/core";
import type { VerbOptions } from "./sagas.ts";

const MAX_BY_BYTES = 128;
const MAX_WHY_BYTES = 256;
const MAX_TARGET_BYTES = 160;

/** Who and why. @throws INVALID_ARGUMENT */
export function checkVerb(options: VerbOptions): VerbOptions {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", options, "an object with by and why");
  }
  knownOptions("options", options, ["by", "why"]);
  return {
    by: boundedString("by", options.by, MAX_BY_BYTES),
    why: boundedString("why", options.why, MAX_WHY_BYTES),
  };
}

/** A step, or the undo of one. @throws INVALID_ARGUMENT */
export function checkTargetOf(target: string): string {
  return boundedString("target", target, MAX_TARGET_BYTES);
}
