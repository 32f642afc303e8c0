import { describe, expect, it } from "vitest";
import { checkReplicas, isAtLeast, parseVersion } from "./version.ts";

describe("server versions", () => {
  it("are read from what servers say", () => {
    expect(parseVersion("2.10.27")).toEqual([2, 10, 27]);
    expect(parseVersion("v2.11.0-RC.2")).toEqual([2, 11, 0]);
    expect(parseVersion("nightly")).toBeUndefined();
    expect(parseVersion("")).toBeUndefined();
  });

  it("are compared by number, not by text", () => {
    expect(isAtLeast([2, 10, 0], [2, 9, 21])).toBe(true);
    expect(isAtLeast([2, 9, 21], [2, 9, 21])).toBe(true);
    expect(isAtLeast([2, 9, 3], [2, 9, 21])).toBe(false);
    expect(isAtLeast([3, 0, 0], [2, 99, 99])).toBe(true);
  });
});

describe("replicas", () => {
  it.each(["2.9.0", "2.9.10", "2.9.20", "2.10.20", "2.10.22", "2.10.20-RC.1"])(
    "three on %s are refused, with the version and the cure",
    (version) => {
      expect(() => checkReplicas(version, 3)).toThrow(version);
      expect(() => checkReplicas(version, 3)).toThrow(/UNSUPPORTED.*upgrade to 2\.10\.23/);
      expect(() => checkReplicas(version, 1)).not.toThrow();
    },
  );

  it.each(["2.9.21", "2.9.25", "2.10.0", "2.10.19", "2.10.23", "2.11.0", "2.15.1", "3.0.0"])(
    "three on %s are trusted",
    (version) => expect(() => checkReplicas(version, 3)).not.toThrow(),
  );

  it("of any number are refused on servers that nobody tested", () => {
    expect(() => checkReplicas("2.8.4", 1)).toThrow(/older than 2\.9/);
    expect(() => checkReplicas("unknown", 1)).toThrow("UNSUPPORTED");
  });
});
