import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatHybrid,
  hybridFromBigInt,
  hybridFromJson,
  hybridToBigInt,
  hybridToJson,
  packHybrid,
  parseHybrid,
  unpackHybrid,
} from "./encoding.ts";
import { compareHybrid, type HybridTimestamp, MAX_COUNTER, MAX_TIME_MS } from "./timestamp.ts";

const HOSTILE = [
  "__proto__",
  "a",
  "a#1",
  "a~",
  "a!",
  'a"',
  "a}",
  "a b",
  "\u0000",
  "\u0001",
  "\u007f",
];
const UNICODE = ["é", "\ud7ff", "\ue000", "\uffff", "😀", "a😀", "a\uffff", "aé", "a-0000-b"];
const ids = fc.oneof(
  fc.constantFrom(...HOSTILE, ...UNICODE),
  fc.string({ unit: "binary", minLength: 1, maxLength: 8 }).filter((id) => id.isWellFormed()),
);
// Few values each, so that ties are common.
const times = fc.oneof(
  fc.constantFrom(0, 1, 65_535, 65_536, 16_777_215, 16_777_216, 2 ** 32, 2 ** 47, MAX_TIME_MS),
  fc.integer({ min: 0, max: MAX_TIME_MS }),
);
const counters = fc.oneof(
  fc.constantFrom(0, 1, 255, 256, 4_095, 4_096, MAX_COUNTER),
  fc.integer({ min: 0, max: MAX_COUNTER }),
);
const timestamps: fc.Arbitrary<HybridTimestamp> = fc.record({
  timeMs: times,
  counter: counters,
  node: ids,
});

const byUnits = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
const byBytes = (a: string | Uint8Array, b: string | Uint8Array): number =>
  Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));

describe("the text of a hybrid timestamp", () => {
  it("sorts as compareHybrid does, by UTF-16 units and by bytes, for 100 000 random pairs", () => {
    fc.assert(
      fc.property(timestamps, timestamps, fc.boolean(), (a, other, tied) => {
        const b = tied ? { ...other, timeMs: a.timeMs, counter: a.counter } : other;
        const expected = compareHybrid(a, b);
        const [left, right] = [formatHybrid(a), formatHybrid(b)];
        expect(byUnits(left, right)).toBe(expected);
        expect(Math.sign(byBytes(left, right))).toBe(expected);
      }),
      { numRuns: 100_000 },
    );
  });

  it("is read back, and is printable ASCII without blanks", () => {
    fc.assert(
      fc.property(timestamps, (timestamp) => {
        const text = formatHybrid(timestamp);
        expect(text).toMatch(/^[!-~]+$/);
        expect(parseHybrid(text)).toEqual(timestamp);
      }),
      { numRuns: 20_000 },
    );
  });

  it("is what the documentation says", () => {
    const timestamp = { timeMs: 1_767_225_600_000, counter: 3, node: "paris" };
    expect(formatHybrid(timestamp)).toBe("019b76daa800-0003-paris");
    expect(formatHybrid({ timeMs: MAX_TIME_MS, counter: MAX_COUNTER, node: "a b~é" })).toBe(
      "ffffffffffff-ffff-a!20b~007e~00e9",
    );
  });

  it.each([
    ["nothing", ""],
    ["no node", "019b76daa800-0003-"],
    ["upper case", "019B76DA1400-0003-a"],
    ["a short time", "19b76da1400-0003-a"],
    ["a sign", "-19b76da1400-0003-a"],
    ["an escape of what needs none", "019b76daa800-0003-~0061"],
    ["a raw blank", "019b76daa800-0003-a b"],
    ["a raw letter beyond ASCII", "019b76daa800-0003-é"],
    ["half an escape", "019b76daa800-0003-~00e"],
    ["an unpaired surrogate", "019b76daa800-0003-~d800"],
    ["a line feed at the end", "019b76daa800-0003-a\n"],
    ["a node id that is too long", `019b76daa800-0003-${"a".repeat(129)}`],
    ["ten megabytes", "a".repeat(10_000_000)],
    ["a number", 7 as unknown as string],
  ])("is refused with %s", (_, text) => {
    expect(refusal(() => parseHybrid(text))).toBe(true);
  });
});

describe("the 8 bytes of a hybrid timestamp", () => {
  it("sort as compareHybrid does but for the node, also as a bigint, and are read back", () => {
    fc.assert(
      fc.property(timestamps, timestamps, (a, b) => {
        const expected = compareHybrid(a, { ...b, node: a.node });
        expect(Math.sign(byBytes(packHybrid(a), packHybrid(b)))).toBe(expected);
        const difference = hybridToBigInt(a) - hybridToBigInt(b);
        expect(difference === 0n ? 0 : difference < 0n ? -1 : 1).toBe(expected);
        expect(unpackHybrid(packHybrid(a), a.node)).toEqual(a);
        expect(hybridFromBigInt(hybridToBigInt(a), a.node)).toEqual(a);
      }),
      { numRuns: 20_000 },
    );
  });

  it("are the digits of the text", () => {
    const timestamp = { timeMs: 1_767_225_600_000, counter: 0xabcd, node: "n" };
    expect(Buffer.from(packHybrid(timestamp)).toString("hex")).toBe("019b76daa800abcd");
    expect(hybridToBigInt(timestamp)).toBe(0x019b76daa800abcdn);
  });

  it("are refused when they are not 8, and a bigint outside 64 bits", () => {
    for (const bytes of [new Uint8Array(7), new Uint8Array(9), "12345678", undefined]) {
      expect(refusal(() => unpackHybrid(bytes as Uint8Array, "n"))).toBe(true);
    }
    for (const packed of [-1n, 1n << 64n, 5]) {
      expect(refusal(() => hybridFromBigInt(packed as bigint, "n"))).toBe(true);
    }
    expect(refusal(() => unpackHybrid(new Uint8Array(8), ""))).toBe(true);
  });
});

describe("the JSON of a hybrid timestamp", () => {
  it("is read back after a trip through JSON", () => {
    fc.assert(
      fc.property(timestamps, (timestamp) => {
        const wire: unknown = JSON.parse(JSON.stringify(hybridToJson(timestamp)));
        expect(hybridFromJson(wire)).toEqual(timestamp);
      }),
      { numRuns: 10_000 },
    );
  });

  it.each([
    [undefined],
    [null],
    [{}],
    [[1, 2]],
    [[1, 2, "n", 4]],
    [[-1, 0, "n"]],
    [[-0, 0, "n"]],
    [[1.5, 0, "n"]],
    [[MAX_TIME_MS + 1, 0, "n"]],
    [[0, 65_536, "n"]],
    [["1", 0, "n"]],
    [[0, 0, ""]],
    [[0, 0, "\ud800"]],
    [[0, 0, { toString: () => "n" }]],
    [[Number.NaN, 0, "n"]],
  ])("is refused when it is %j", (value) => {
    expect(refusal(() => hybridFromJson(value))).toBe(true);
  });
});

function refusal(call: () => unknown): boolean {
  try {
    call();
  } catch (error) {
    return isQuorateError(error, "INVALID_ARGUMENT");
  }
  return false;
}
