import { describe, expect, it } from "vitest";

import { quoteTable } from "./sql-table.ts";

describe("the name of a table", () => {
  it("is quoted, with its schema", () => {
    expect(quoteTable("orders")).toBe('"orders"');
    expect(quoteTable("Billing_1.orders")).toBe('"Billing_1"."orders"');
  });

  it.each(["", "1a", 'a"b', "a;b", "a.b.c", "a.", ".a", "a b", "é", "a\n", 7 as never])(
    "is refused where it is %j",
    (table) => {
      expect(() => quoteTable(table)).toThrow("INVALID_ARGUMENT");
    },
  );

  it("may have 48 bytes where an index is named after it, else 63", () => {
    expect(quoteTable("a".repeat(48))).toHaveLength(50);
    expect(() => quoteTable("a".repeat(49))).toThrow("INVALID_ARGUMENT");
    expect(quoteTable("a".repeat(63), false)).toHaveLength(65);
    expect(() => quoteTable("a".repeat(64), false)).toThrow("INVALID_ARGUMENT");
    expect(() => quoteTable(`${"s".repeat(64)}.a`)).toThrow("INVALID_ARGUMENT");
  });
});
