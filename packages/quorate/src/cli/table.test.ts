import { describe, expect, it } from "vitest";
import { tableOf } from "./table.ts";

describe("a table", () => {
  it("is as wide as what is in it, without columns that are empty", () => {
    const rows = [
      { name: "a", token: 7, label: undefined },
      { name: "bcd", token: 1_000, label: undefined },
    ];
    expect(tableOf(rows)).toBe("name  token\na     7\nbcd   1000\n");
  });

  it("lets no foreign text move the cursor or fill the screen", () => {
    const text = tableOf([{ label: `\u001b[2J${"x".repeat(500)}` }]);
    expect(text).not.toContain("\u001b");
    expect(text.length).toBeLessThan(80);
  });
});
