import { createHash } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { md5First, md5Words } from "./md5.ts";

function hex(text: string): string {
  return Buffer.from(Int32Array.from(md5Words(text)).buffer).toString("hex");
}

describe("md5", () => {
  // RFC 1321, appendix A.5.
  it.each([
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["a", "0cc175b9c0f1b6a831c399e269772661"],
    ["abc", "900150983cd24fb0d6963f7d28e17f72"],
    ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
    [
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
      "d174ab98d277d9f5a5611c2c9f419d9f",
    ],
    [
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
      "57edf4a22be3c955ac49da2e2107b67a",
    ],
  ])("gives the RFC's digest of %j", (text, expected) => {
    expect(hex(text)).toBe(expected);
  });

  it("agrees with OpenSSL on strings of any length and content", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.integer({ min: 0, max: 2_000 }).map((length) => "x".repeat(length)),
    );
    fc.assert(
      fc.property(text, (given) => {
        expect(hex(given)).toBe(createHash("md5").update(given).digest("hex"));
      }),
      { numRuns: 500 },
    );
  });

  it("answers the first word unsigned", () => {
    // 0xfffcd1b5: hashring's tests use it to wrap around the ring.
    expect(md5First("VDEAAAAA")).toBe(0xfffcd1b5);
  });
});
