import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isInputSchema, parserOf, type StandardSchema } from "./standard-schema.ts";

describe("a parser of an input", () => {
  it("asks a schema of zod, and keeps to what it makes of the value", async () => {
    const parse = parserOf(z.object({ n: z.coerce.number() }));
    expect(await parse({ n: "7", more: 1 })).toEqual({ ok: true, value: { n: 7 } });
    expect(await parse({})).toEqual({ ok: false, issues: expect.stringMatching(/^n: /) });
  });

  it("waits for a schema that takes its time", async () => {
    const parse = parserOf(z.string().refine(async (text) => text === "yes", "not yes"));
    expect(await parse("yes")).toEqual({ ok: true, value: "yes" });
    expect(await parse("no")).toEqual({ ok: false, issues: "not yes" });
  });

  it("takes a function that returns or throws, at once or later", async () => {
    const now = parserOf((raw: unknown) => {
      if (typeof raw !== "number") throw new TypeError("a number, please");
      return raw + 1;
    });
    expect(now(1)).toEqual({ ok: true, value: 2 });
    expect(now("1")).toEqual({ ok: false, issues: "a number, please" });
    const later = parserOf(async (raw: unknown) => {
      if (raw === 0) throw new Error("nought");
      return raw;
    });
    expect(await later(1)).toEqual({ ok: true, value: 1 });
    expect(await later(0)).toEqual({ ok: false, issues: "nought" });
  });

  it("tells five issues at most, and none at length", async () => {
    const issues = Array.from({ length: 8 }, (_, at) => ({
      message: "x".repeat(5_000),
      path: ["list", { key: at }],
    }));
    const schema: StandardSchema = {
      "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) },
    };
    const parsed = await parserOf(schema)(1);
    expect(parsed).toEqual({ ok: false, issues: expect.stringMatching(/^list\.0: .*3 more$/) });
    expect(JSON.stringify(parsed).length).toBeLessThan(1_200);
  });

  it("does not throw, whatever the schema does", async () => {
    const validate = () => {
      throw new Error("broken schema");
    };
    const broken: StandardSchema = { "~standard": { version: 1, vendor: "test", validate } };
    expect(await parserOf(broken)(1)).toEqual({ ok: false, issues: "broken schema" });
  });
});

describe("a schema", () => {
  it("is told from what is none", () => {
    const callable = Object.assign(() => 1, z.string());
    expect([z.string(), callable, () => 1].map(isInputSchema)).toEqual([true, true, true]);
    const others = [null, undefined, 1, "x", {}, { "~standard": {} }];
    expect(others.map(isInputSchema)).toEqual(others.map(() => false));
  });
});
