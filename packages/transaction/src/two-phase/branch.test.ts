import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Branch,
  branchName,
  branchPrefix,
  checkSegment,
  MAX_ID_BYTES,
  MAX_PARTICIPANT_BYTES,
  MAX_REALM_NAME_BYTES,
  parseBranchName,
} from "./branch.ts";

const hexOf = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });

/** Any text that the door lets in. */
function segment(limit: number): fc.Arbitrary<string> {
  return fc.string({ unit: "binary", minLength: 1, maxLength: limit }).filter((text) => {
    try {
      checkSegment("text", text, limit);
      return true;
    } catch {
      return false;
    }
  });
}

const branches: fc.Arbitrary<Branch> = fc.record({
  name: segment(MAX_REALM_NAME_BYTES),
  realm: hexOf(16),
  id: segment(MAX_ID_BYTES),
  tag: hexOf(12),
  participant: segment(MAX_PARTICIPANT_BYTES),
});

describe("names of branches", () => {
  it("come back as they were, fit PostgreSQL, and cannot leave their quotes", () => {
    fc.assert(
      fc.property(branches, (branch) => {
        const name = branchName(branch);
        expect(parseBranchName(name)).toEqual(branch);
        expect(Buffer.byteLength(name)).toBeLessThan(200);
        expect(name).toMatch(/^[0-9A-Za-z_:=/-]+$/);
        expect(name.startsWith(branchPrefix(branch.name))).toBe(true);
      }),
    );
  });

  it("keep even the longest below PostgreSQL's 200 bytes", () => {
    const name = branchName({
      name: "n".repeat(MAX_REALM_NAME_BYTES),
      realm: "0".repeat(16),
      id: "i".repeat(MAX_ID_BYTES),
      tag: "0".repeat(12),
      participant: "p".repeat(MAX_PARTICIPANT_BYTES),
    });
    expect(name.length).toBeLessThan(200);
  });

  it.each([
    "",
    "quorate:",
    "quorate:a/b/c",
    "other:default/0123456789abcdef/t/0123456789ab/a",
    "quorate:default/0123456789abcdeX/t/0123456789ab/a",
    "quorate:default/0123456789abcdef/t/0123456789ab/a/b",
    "quorate:default/0123456789abcdef/t'--/0123456789ab/a",
  ])("are refused where they are none of ours: %j", (text) => {
    expect(parseBranchName(text)).toBeUndefined();
  });

  it("escape an id that means to leave its quotes", () => {
    const id = "x'; DROP TABLE orders; --";
    const branch = { name: "n", realm: "0".repeat(16), id, tag: "0".repeat(12), participant: "p" };
    expect(branchName(branch)).not.toContain("'");
    expect(parseBranchName(branchName(branch))?.id).toBe(id);
  });
});
