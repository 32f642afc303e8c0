import { QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { fenceHeaders, fenceRefusal, readFenceHeader } from "./http-fence.ts";

describe("the header", () => {
  it.each([1, 1_790_000_000_000_000, Number.MAX_SAFE_INTEGER])("carries %i there", (token) => {
    const headers = fenceHeaders({ check: () => token });
    expect(readFenceHeader(new Headers(headers))).toBe(token);
    expect(readFenceHeader(headers)).toBe(token);
    expect(readFenceHeader({ "fencing-token": String(token), host: "x" })).toBe(token);
  });

  it.each(["", "0", "-1", "+1", "01", "1.0", "1e3", " 1", "1 ", "0x10", "1,2", "NaN", "１"])(
    "is refused when it says %o",
    (value) => {
      expect(() => readFenceHeader({ "fencing-token": value })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT" }),
      );
    },
  );

  it("is refused beyond the safe integers, where digits get lost", () => {
    expect(() => readFenceHeader({ "fencing-token": "9007199254740992" })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it("is refused when given twice, and missing is not zero", () => {
    expect(() => readFenceHeader({ "Fencing-Token": "1", "fencing-token": "2" })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(() => readFenceHeader({ "fencing-token": ["1", "2"] })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(readFenceHeader({})).toBeUndefined();
    expect(readFenceHeader(new Headers())).toBeUndefined();
  });

  it("is not made for a lock that was lost", () => {
    const check = (): number => {
      throw new Error("lost");
    };
    expect(() => fenceHeaders({ check })).toThrow("lost");
  });
});

describe("a refusal", () => {
  it("is 412 with the floor", () => {
    const details = { resource: "a", fencingToken: 6, floor: 7 };
    const error = new QuorateError("STALE_TOKEN", "stale", { effect: "none", details });
    expect(fenceRefusal(error)).toEqual({ status: 412, headers: { "Fencing-Floor": "7" } });
  });

  it("is nothing for any other error", () => {
    expect(fenceRefusal(new Error("x"))).toBeUndefined();
  });
});
