import { describe, expect, it } from "vitest";
import { slotOf } from "./slots.ts";

describe("slotOf", () => {
  it("is CRC-16/XMODEM modulo 16384, as the specification's examples", () => {
    expect(slotOf("123456789")).toBe(0x31c3 % 16_384);
    expect(slotOf("foo")).toBe(12_182);
  });

  it("hashes what is in the first braces only", () => {
    expect(slotOf("{foo}bar")).toBe(slotOf("foo"));
    expect(slotOf("a{foo}{bar}")).toBe(slotOf("foo"));
  });

  it("hashes the whole where braces hold nothing", () => {
    expect(slotOf("{}foo")).not.toBe(slotOf("foo"));
    expect(slotOf("{foo")).not.toBe(slotOf("foo"));
  });
});
