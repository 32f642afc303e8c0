/**
 * The check of a duration that may be unbounded.
 */
import { invalidArgument, type Ms } from "@quorate/core";

/** A duration above zero; Infinity is welcome. */
export function duration(option: string, value: Ms): Ms {
  if (typeof value === "number" && value > 0) return value;
  throw invalidArgument(option, value, "a duration > 0 in ms, or Infinity");
}
