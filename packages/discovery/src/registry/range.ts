/**
 * Ranges of versions, as npm writes them: `^1.2.0`, `>=1.4 <3`, `1.x`.
 *
 * `*` shows all instances. Any other range shows a prerelease, as `2.0.0-beta.1`, only where it
 * names one of the same version, as `>=2.0.0-beta` does: a caller gets one by asking for it.
 */
import { boundedString, invalidArgument } from "@quorate/core";
import { Range } from "semver";

const MAX_RANGE_BYTES = 256;

/** A range that was checked. */
export interface VersionRange {
  readonly text: string;
  /** Whether an instance of this version suits. The version was checked. */
  suits(version: string): boolean;
}

/** Checks `range`. @throws INVALID_ARGUMENT */
export function parseRange(range: string): VersionRange {
  const text = boundedString("range", range, MAX_RANGE_BYTES);
  try {
    const parsed = new Range(text, { includePrerelease: text === "*" });
    return { text, suits: (version) => parsed.test(version) };
  } catch {
    throw invalidArgument("range", range, "a range of versions, as ^1.2.0, or *");
  }
}
