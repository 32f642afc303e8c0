/** RFC 8785's own examples and published test data. */
import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import { canonicalJson } from "./canonical.ts";
import { numberBits, numberOf, PUBLISHED } from "./es6-numbers.fixture.ts";

const canonicalOf = (text: string): string => canonicalJson(JSON.parse(text));

describe("RFC 8785", () => {
  it("§3.2.2: spells numbers, strings and literals as ECMAScript does", () => {
    const text = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    const numbers = "[333333333.3333333,1e+30,4.5,0.002,1e-27]";
    const string = String.raw`"€$\u000f\nA'B\"\\\\\"/"`;
    const expected = `{"literals":[null,true,false],"numbers":${numbers},"string":${string}}`;
    expect(canonicalOf(text)).toBe(expected);
  });

  it("§3.2.3: sorts keys by UTF-16 units, not by code point or locale", () => {
    const text = String.raw`{
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`;
    expect(Object.values(JSON.parse(canonicalOf(text)))).toHaveLength(7);
    expect([...canonicalOf(text).matchAll(/:"([^"]+)"/g)].map(([, name]) => name)).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it.each([
    ["arrays", '[56, {"d": true, "10": null, "1": [ ]}]', '[56,{"1":[],"10":null,"d":true}]'],
    [
      "french",
      '{"peach":"a", "péché":"b", "pêche":"c", "sin":"d"}',
      '{"peach":"a","péché":"b","pêche":"c","sin":"d"}',
    ],
    [
      "structures",
      String.raw`{"1": {"f": {"f": "hi","F": 5} ,"\n": 56.0}, "10": { }, "": "empty", "a": { },
        "111": [ {} ], "A": { }}`,
      String.raw`{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}`,
    ],
    ["unicode", String.raw`{"Unnormalized Unicode":"\u1e0d\u0307"}`, undefined],
    [
      "weird",
      String.raw`{"\u20ac":"Euro Sign","1":"One","\u0080":"Control\u007f","</script>":"!"}`,
      '{"1":"One","</script>":"!","\u0080":"Control\u007f","€":"Euro Sign"}',
    ],
  ])("test data: %s", (_, input, output) => {
    expect(canonicalOf(input)).toBe(output ?? '{"Unnormalized Unicode":"\u1e0d\u0307"}');
  });

  it("test data: simpleString, to the byte", () => {
    const hex =
      "22 74 68 69 73 20 69 73 20 61 20 74 65 73 74 20 73 74 72 69 6E 67 20 31 32 33 35 22";
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    expect(Buffer.from(canonicalJson("this is a test string 1235"))).toEqual(bytes);
  });

  it("spells 100,000 numbers so that the file of them has the published SHA-256", () => {
    const file = createHash("sha256");
    const seen = new Map<number, string>();
    let lines = 0;
    for (const bits of numberBits()) {
      file.update(`${bits.toString(16)},${canonicalJson(numberOf(bits))}\n`);
      if (PUBLISHED.has(++lines)) seen.set(lines, file.copy().digest("hex"));
      if (seen.size === PUBLISHED.size) break;
    }
    expect(seen).toEqual(PUBLISHED);
  });
});
