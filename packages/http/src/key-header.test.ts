import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatIdempotencyKey, parseIdempotencyKey } from "./key-header.ts";

const key = (value: string) => ({ kind: "key", key: value });
const kindOf = (value: string, strict = false) => parseIdempotencyKey(value, { strict }).kind;

describe("a quoted key", () => {
  // In the spirit of httpwg/structured-field-tests: string.json, item.json and the generated ones.
  it.each([
    ['"foo bar"', "foo bar"],
    ['"   "', "   "],
    ['"foo \\"bar\\" \\\\ baz"', 'foo "bar" \\ baz'],
    ['"a\\"b"', 'a"b'],
    ['  "leading and trailing"  ', "leading and trailing"],
    ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', "8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ['"a, b"', "a, b"],
    ['"__proto__"', "__proto__"],
  ])("%s is read as %s, strictly too", (header, value) => {
    expect(parseIdempotencyKey(header)).toEqual(key(value));
    expect(parseIdempotencyKey(header, { strict: true })).toEqual(key(value));
  });

  it.each([
    '""',
    '"foo',
    'foo"',
    '"foo \\,"',
    '"foo \\"',
    '"foo \\',
    '"füü"',
    '"a\\tb"',
    '"a"b',
    '"a" b',
    '"a""b"',
    '"a", "b"',
    '"a",',
    '"a"\t',
    "'foo'",
  ])("%s is refused", (header) => {
    expect(kindOf(header)).toBe("invalid");
    expect(kindOf(header, true)).toBe("invalid");
  });

  it("takes every printable character as it is but the quote and the backslash", () => {
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code);
      const printable = code >= 0x20 && code < 0x7f;
      const special = character === '"' || character === "\\";
      expect(kindOf(`"${character}"`), `${code}`).toBe(printable && !special ? "key" : "invalid");
      expect(kindOf(`"\\${character}"`), `${code} escaped`).toBe(special ? "key" : "invalid");
    }
  });

  it.each([
    '"k";a',
    '"k";a=1; b=?0',
    '"k";a=-1.250',
    '"k"; a="x;\\"y"',
    '"k";*t=token/x:y',
    '"k";b=:YQ==:',
    '"k";d=@1659578233;s=%"f%c3%bc"',
  ])("stands before parameters, which mean nothing: %s", (header) => {
    expect(parseIdempotencyKey(header, { strict: true })).toEqual(key("k"));
  });

  it.each([
    '"k";',
    '"k";A=1',
    '"k" ;a=1',
    '"k";a =1',
    '"k";a= 1',
    '"k";a=',
    '"k";a=1.',
    '"k";a=1.2345',
    '"k";a=1234567890123456',
    '"k";a=?2',
    '"k";a="x',
    '"k";a=1, "l"',
  ])("is refused with parameters that are not: %s", (header) => {
    expect(kindOf(header)).toBe("invalid");
  });

  it("has at most 255 characters, counted as the key, not as it is written", () => {
    expect(kindOf(`"${"k".repeat(255)}"`)).toBe("key");
    expect(kindOf(`"${"k".repeat(256)}"`)).toBe("invalid");
    expect(parseIdempotencyKey(`"${"\\\\".repeat(255)}"`)).toEqual(key("\\".repeat(255)));
  });
});

describe("a bare key", () => {
  it.each(["8e03978e-40d5-43e8-bc93-6894a57f9324", "order:7", "a/b+c==", "42", "*", "user@host"])(
    "%s is the same key as in quotes",
    (header) => {
      expect(parseIdempotencyKey(header)).toEqual(parseIdempotencyKey(`"${header}"`));
      expect(kindOf(header, true)).toBe("invalid");
    },
  );

  it.each([
    ":YQ==:", // A byte sequence,
    "?1", // a boolean,
    "@1659578233", // a date,
    '%"k"', // a display string,
    "(a b)", // and an inner list: other items, not keys.
    "a;b=1",
    "a,b",
    "a b",
    "a\\b",
    "k\u00fc",
    "a\u0000b",
    "a\r\nSet-Cookie: x",
    "k".repeat(256),
  ])("is not %j", (header) => {
    expect(kindOf(header)).toBe("invalid");
  });
});

describe("the header", () => {
  it("is absent, or empty, which is not the same", () => {
    expect(parseIdempotencyKey(undefined)).toEqual({ kind: "absent" });
    expect(parseIdempotencyKey(new Headers().get("idempotency-key"))).toEqual({ kind: "absent" });
    expect(parseIdempotencyKey([])).toEqual({ kind: "absent" });
    expect(kindOf("")).toBe("invalid");
    expect(kindOf("   ")).toBe("invalid");
  });

  it("is refused when it is there twice, line by line or joined", () => {
    expect(parseIdempotencyKey(["a", "a"]).kind).toBe("invalid");
    expect(parseIdempotencyKey(["a"])).toEqual(key("a"));
    const headers = new Headers([
      ["idempotency-key", '"a"'],
      ["Idempotency-Key", '"a"'],
    ]);
    expect(parseIdempotencyKey(headers.get("idempotency-key")).kind).toBe("invalid");
    expect(kindOf("a, a")).toBe("invalid");
  });

  it("is not repeated in the reason", () => {
    expect(JSON.stringify(parseIdempotencyKey("<script>"))).not.toContain("script");
  });

  it("is judged in linear time", () => {
    const startMs = performance.now();
    for (const piece of ['\\"', ";a", ';a="', ";a=1", "-", " "]) kindOf(`"k"${piece.repeat(1e5)}`);
    for (const piece of ['\\"', ";a", "-", " "]) kindOf(`"${piece.repeat(500)}`);
    expect(performance.now() - startMs).toBeLessThan(200);
  });
});

describe("a written key", () => {
  it("is read back as it was", () => {
    const characters = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 255 });
    fc.assert(
      fc.property(
        characters.filter((text) => /^[ -~]+$/.test(text)),
        (text) => {
          expect(parseIdempotencyKey(formatIdempotencyKey(text), { strict: true })).toEqual(
            key(text),
          );
        },
      ),
    );
  });

  it.each(["", "ü", "a\nb", "k".repeat(256), 7])("is refused when it cannot be: %j", (wrong) => {
    expect(() => formatIdempotencyKey(wrong as string)).toThrow(/key must be/);
  });
});
