import { describe, expect, it } from "vitest";

import { SharedUse } from "./shared-use.ts";

function world() {
  const log: string[] = [];
  const begin = (name: string) => () => {
    log.push(`begin ${name}`);
    return () => void log.push(`end ${name}`);
  };
  return { log, begin, uses: new SharedUse<object>() };
}

describe("shared use", () => {
  it("begins with the first and ends with the last, of whom each counts once", () => {
    const { begin, log, uses } = world();
    const key = {};
    const [first, second] = [uses.join(key, begin("a")), uses.join(key, begin("b"))];
    first();
    first();
    expect(log).toEqual(["begin a"]);
    second();
    expect(log).toEqual(["begin a", "end a"]);
  });

  it("begins anew after its end, and for every key of its own", () => {
    const { begin, log, uses } = world();
    const key = {};
    uses.join(key, begin("a"))();
    uses.join(key, begin("b"));
    uses.join({}, begin("c"));
    expect(log).toEqual(["begin a", "end a", "begin b", "begin c"]);
  });

  it("is not begun where beginning fails", () => {
    const { begin, log, uses } = world();
    const key = {};
    const fail = (): never => {
      throw new Error("no");
    };
    expect(() => uses.join(key, fail)).toThrow("no");
    uses.join(key, begin("a"));
    expect(log).toEqual(["begin a"]);
  });
});
