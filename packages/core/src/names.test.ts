import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isQuorateError } from "./errors/quorate-error.ts";
import {
  checkName,
  checkTarget,
  collectionOf,
  compareNames,
  decodeName,
  encodeName,
  isPrefix,
  matchesTarget,
  MAX_NAME_BYTES,
  MAX_SEGMENT_BYTES,
  MAX_SEGMENTS,
} from "./names.ts";

// oxlint-disable-next-line no-control-regex -- control characters are what names must not have
const legal = (text: string) => text.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f/]/.test(text);
const segment = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  .filter((text) => legal(text) && Buffer.byteLength(text) <= MAX_SEGMENT_BYTES);
const name = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join("/"))
  .filter((text) => Buffer.byteLength(text) <= MAX_NAME_BYTES);
const separator = fc.constantFrom("." as const, "/" as const);

describe("checkName", () => {
  it("takes every name of the grammar as it is", () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(checkName("key", text)).toBe(text);
      }),
    );
  });

  it("takes every character but '/' and control characters, and refuses those", () => {
    for (let code = 0; code <= 0xffff; code++) {
      const text = `a${String.fromCharCode(code)}b`;
      const take = () => checkName("key", text);
      if (code === 0x2f || legal(text)) expect(take()).toBe(text);
      else expect(take).toThrow("INVALID_ARGUMENT: key must be");
    }
  });

  it.each([
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    "a/\u0000",
    "\ud800",
    "a\nb",
    undefined,
    null,
    5,
    {},
    ["a"],
  ])("refuses %j", (bad) => {
    expect(() => checkName("key", bad as string)).toThrow("INVALID_ARGUMENT: key must be");
  });

  it("bounds segments in bytes, their number, and the whole, and tells the numbers", () => {
    const limits = [
      ["é".repeat(64), "é".repeat(65), 130, MAX_SEGMENT_BYTES],
      ["a".repeat(128), "a".repeat(129), 129, MAX_SEGMENT_BYTES],
      [Array(16).fill("a").join("/"), Array(17).fill("a").join("/"), 17, MAX_SEGMENTS],
      [
        Array(4).fill("a".repeat(127)).join("/") + "b",
        Array(4).fill("a".repeat(127)).join("/") + "bc",
        513,
        MAX_NAME_BYTES,
      ],
    ] as const;
    for (const [longest, tooLong, size, limit] of limits) {
      expect(checkName("key", longest)).toBe(longest);
      try {
        checkName("key", tooLong);
        expect.unreachable(tooLong);
      } catch (error) {
        expect(isQuorateError(error, "TOO_LARGE") && error.details).toEqual({
          option: "key",
          size,
          limit,
        });
      }
    }
  });

  it("refuses a monstrous name without taking it apart", () => {
    const startMs = performance.now();
    expect(() => checkName("key", "/".repeat(50_000_000))).toThrow("TOO_LARGE");
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});

describe("encodeName", () => {
  it("is reversed by decodeName", () => {
    fc.assert(
      fc.property(name, separator, (text, by) => {
        expect(decodeName(encodeName(text, by), by)).toBe(text);
      }),
    );
  });

  it("is injective: what decodes encodes back to itself", () => {
    const encodedSoup = fc.string({ unit: fc.constantFrom(..."aZ09_:-=.F2/E.é") });
    fc.assert(
      fc.property(encodedSoup, separator, (text, by) => {
        const decoded = decodeName(text, by);
        if (decoded !== undefined) expect(encodeName(decoded, by)).toBe(text);
      }),
      { numRuns: 3_000 },
    );
  });

  it("lets through nothing that a server could take for something else", () => {
    fc.assert(
      fc.property(name, separator, (text, by) => {
        for (const part of encodeName(text, by).split(by)) {
          expect(part).toMatch(/^(?:[0-9A-Za-z_:-]|=[0-9A-F]{2})+$/);
        }
      }),
    );
  });

  it("escapes each byte in one way", () => {
    for (let code = 0x20; code < 0x7f; code++) {
      const character = String.fromCharCode(code);
      if (character === "/") continue;
      const plain = /[0-9A-Za-z_:-]/.test(character);
      const escaped = `=${code.toString(16).toUpperCase()}`;
      expect(encodeName(character)).toBe(plain ? character : escaped);
      expect(decodeName(plain ? escaped : character)).toBeUndefined();
    }
    expect(encodeName("a b.c/d", ".")).toBe("a=20b=2Ec.d");
    expect(encodeName("é")).toBe("=C3=A9");
  });

  it.each(["", ".", "a..b", "=", "=4", "=zz", "=c3=a9", "=C3", "=41", "=00", "=2F", "a b", "é"])(
    "is never %j",
    (text) => {
      expect(decodeName(text, ".")).toBeUndefined();
    },
  );
});

describe("compareNames", () => {
  it("orders by the bytes of UTF-8, as every server does", () => {
    fc.assert(
      fc.property(name, name, (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect(Math.sign(compareNames(left, right))).toBe(bytes);
      }),
    );
    // UTF-16 units would order these the other way round.
    expect(compareNames("\ufffd", "😀")).toBe(-1);
    expect(["b", "a/b", "a", "é"].sort(compareNames)).toEqual(["a", "a/b", "b", "é"]);
  });
});

describe("targets", () => {
  it("are a name, or a prefix that is empty or ends in '/'", () => {
    expect(["", "a/", "a/b"].map((target) => checkTarget("target", target))).toEqual([
      "",
      "a/",
      "a/b",
    ]);
    expect(["", "a/", "a", "a/b"].map(isPrefix)).toEqual([true, true, false, false]);
    for (const bad of ["/", "//", "a//", 5, undefined]) {
      expect(() => checkTarget("target", bad as string)).toThrow("INVALID_ARGUMENT: target");
    }
  });

  it("match by segments: 'a/' has 'a/b' below it, not 'ab/c' and not 'a'", () => {
    const matched = (target: string) =>
      ["a", "a/b", "a/b/c", "ab/c"].filter((text) => matchesTarget(target, text));
    expect(matched("")).toHaveLength(4);
    expect(matched("a/")).toEqual(["a/b", "a/b/c"]);
    expect(matched("a")).toEqual(["a"]);
  });

  it("know the collection of a key", () => {
    expect(["a", "a/b", "a/b/c"].map(collectionOf)).toEqual(["", "a", "a/b"]);
  });
});
