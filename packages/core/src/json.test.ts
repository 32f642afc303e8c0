import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Json, parseJson } from "./json.ts";

const reasonOf = (source: string | Uint8Array, bounds = {}) => {
  const result = parseJson(source, bounds);
  return result.ok ? "" : result.reason;
};

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        for (const source of [text, Buffer.from(text)]) {
          const result = parseJson(source, { maxDepth: 1_000 });
          expect(result.ok && JSON.stringify(result.value)).toBe(text);
        }
      }),
    );
  });

  it("agrees with JSON.parse on what is JSON, and never throws", () => {
    const soup = fc.string({ unit: fc.constantFrom(...'[]{}",:\\ 01ntu\n') });
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: "binary" })), (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(parseJson(text).ok).toBe(valid);
      }),
      { numRuns: 2_000 },
    );
  });

  it("gives objects no prototype, so that no key is special", () => {
    const result = parseJson('{"__proto__":{"admin":true},"constructor":1,"a":[{"toString":2}]}');
    const value = (result.ok ? result.value : null) as { readonly [key: string]: Json };
    expect(Object.keys(value)).toEqual(["__proto__", "constructor", "a"]);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect("admin" in value).toBe(false);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    const [inner] = value["a"] as readonly Json[];
    expect(Object.getPrototypeOf(inner)).toBeNull();
  });

  it("refuses what is nested too deep before it parses it", () => {
    const bomb = "[".repeat(500_000);
    expect(reasonOf(bomb)).toBe("nested deeper than 32");
    expect(reasonOf('{"a":'.repeat(33) + "1" + "}".repeat(33))).toBe("nested deeper than 32");
    expect(parseJson("[".repeat(32) + "]".repeat(32)).ok).toBe(true);
  });

  it("does not count brackets in strings, however they are escaped", () => {
    const tricky = ["[[[[", '\\"[[[[', '\\\\"[', "\\", '"', '\\\\\\"{{{{'];
    for (const text of tricky) {
      expect(parseJson(JSON.stringify([text]), { maxDepth: 1 }).ok).toBe(true);
      expect(parseJson(JSON.stringify([[text]]), { maxDepth: 1 }).ok).toBe(false);
    }
  });

  it("refuses too many bytes and too many nodes", () => {
    expect(reasonOf('"éé"', { maxBytes: 5 })).toBe("6 bytes, at most 5 allowed");
    expect(reasonOf(Buffer.alloc(10, 32), { maxBytes: 5 })).toBe("10 bytes, at most 5 allowed");
    expect(reasonOf("[1,2,3,[4]]", { maxNodes: 4 })).toBe("more keys than allowed");
    expect(reasonOf('{"a":1,"b":{"c":1}}', { maxNodes: 2 })).toBe("more keys than allowed");
    expect(parseJson("[1,2,3,[4]]", { maxNodes: 5 }).ok).toBe(true);
  });

  it("plainly makes objects as JSON.parse does, and refuses a key __proto__, escaped too", () => {
    const plain = (text: string) => parseJson(text, { plain: true });
    const value = { a: [{ "__proto__ ": "__proto__", b: "\u0001" }] };
    expect(plain(JSON.stringify(value))).toEqual({ ok: true, value });
    expect(plain('{"a":1}')).toHaveProperty("value.toString");
    for (const key of ["__proto__", "\\u005f_proto__", "__pr\\u006Fto__"]) {
      expect(plain(`{"a":[{"${key}":{"admin":true}}]}`)).toHaveProperty("ok", false);
    }
    expect(plain("[".repeat(40) + "]".repeat(40)).ok).toBe(false);
  });

  it("takes time in proportion to the text, even for one made to be slow", () => {
    const nasty = [`"${"\\\\".repeat(250_000)}"`, `"${'\\"'.repeat(250_000)}`, '"'.repeat(500_000)];
    const startMs = performance.now();
    for (const text of nasty) parseJson(text);
    // Quadratic time would be minutes.
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});
