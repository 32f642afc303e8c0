import { describe, expect, it } from "vitest";
import { label, percent, xml } from "./label.ts";

describe("label", () => {
  it("shows an ordinary id as it is", () => {
    for (const id of ["node-1", "10.0.0.1:11211", "é", "鍵", "👩‍👩‍👧", "a b"]) {
      expect(label(id)).toBe(id);
    }
    expect(label(undefined)).toBe("(nobody)");
  });

  it("shows what cannot be seen by its number: nothing can forge a line or turn the text", () => {
    expect(label("a\nb")).toBe("a\\u{a}b");
    expect(label("\u001b[31mred")).toBe("\\u{1b}[31mred");
    expect(label("a\u202eb\u2066")).toBe("a\\u{202e}b\\u{2066}");
    expect(label("a\u2028\u0085\uffff\u{e0001}")).toBe("a\\u{2028}\\u{85}\\u{ffff}\\u{e0001}");
  });

  it("cuts a long id in the middle, never through a character", () => {
    const long = label(`${"😀".repeat(5_000)}end`);
    expect([...long]).toHaveLength(40);
    expect(long.endsWith("end")).toBe(true);
    expect(long.isWellFormed()).toBe(true);
    expect(label("x".repeat(40))).toBe("x".repeat(40));
  });
});

describe("xml", () => {
  it("leaves nothing that could begin a tag, an entity or end an attribute", () => {
    expect(xml(`<script>"'&`)).toBe("&#60;script&#62;&#34;&#39;&#38;");
  });
});

describe("percent", () => {
  it("never shows 0 for something", () => {
    expect(percent(0)).toBe("0.00 %");
    expect(percent(1e-9)).toBe("<0.01 %");
    expect(percent(0.12345)).toBe("12.35 %");
    expect(percent(1)).toBe("100.00 %");
  });
});
