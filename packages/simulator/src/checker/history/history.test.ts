import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "./event.ts";
import { historyOf } from "./history.ts";
import { formatHistory, parseHistory } from "./json-lines.ts";

const WRITE = { t: 0, p: "a", op: 0, type: "invoke", f: "write", k: "x", v: 1 } as const;
const DONE = { t: 2, p: "a", op: 0, type: "ok", f: "write" } as const;

describe("a history", () => {
  it("pairs calls with their ends, and leaves out what surely did not happen", () => {
    const { operations, endMs } = historyOf([
      WRITE,
      { t: 1, p: "b", op: 1, type: "invoke", f: "read" },
      DONE,
      { t: 3, p: "b", op: 1, type: "fail", f: "read" },
      { t: 4, p: "b", op: 2, type: "invoke", f: "read" },
      { t: 5, p: "b", op: 2, type: "info", f: "read" },
      { t: 6, p: "a", op: 3, type: "invoke", f: "read" },
    ]);
    expect(endMs).toBe(6);
    expect(operations.map(({ op, outcome }) => [op, outcome])).toEqual([
      [0, "ok"],
      [2, "unknown"],
      [3, "unknown"],
    ]);
    expect(operations[0]).toMatchObject({ key: "x", argument: 1, result: null, returnedMs: 2 });
    expect(operations[1]).toMatchObject({ key: "", returnedMs: Infinity, returnIndex: Infinity });
  });

  it.each<[string, HistoryEvent[], string]>([
    ["time that falls", [WRITE, { ...DONE, t: -1 }], "line 2: t"],
    ["an operation twice", [WRITE, { ...WRITE, p: "b" }], "line 2: op"],
    ["two calls at once", [WRITE, { ...WRITE, op: 1 }], "line 2: p must be idle, but operation 0"],
    ["an end without a call", [DONE], "line 1: op must be begun"],
    ["a second end", [WRITE, DONE, DONE], "line 3: op must be ended once"],
    ["the end of another's call", [WRITE, { ...DONE, p: "b" }], "line 2: p must be a"],
    ["another function", [WRITE, { ...DONE, f: "read" }], "line 2: f must be write"],
    ["another key", [WRITE, { ...DONE, k: "y" }], "line 2: k must be x"],
    [
      "a process that goes on after an unknown outcome",
      [WRITE, { ...DONE, type: "info" }, { ...WRITE, t: 3, op: 1 }],
      "line 3: p must be a new name",
    ],
  ])("is refused with %s", (_, events, message) => {
    expect(() => historyOf(events)).toThrow(message);
  });
});

describe("JSON lines", () => {
  it("come back as they went out", () => {
    const text = formatHistory(historyOf([WRITE, DONE]));
    expect(text.trimEnd().split("\n")).toHaveLength(2);
    expect(parseHistory(text).events).toEqual([WRITE, DONE]);
  });

  it("may number processes, have empty lines, and fields that we do not know", () => {
    const text = `\n{"t":0,"p":7,"op":0,"type":"invoke","f":"read","node":"n1"}\r\n\n`;
    expect(parseHistory(text).events).toEqual([{ t: 0, p: "7", op: 0, type: "invoke", f: "read" }]);
  });

  it.each([
    [`{"t":0`, "line 1 must be JSON"],
    [`\n[1]`, "line 2 must be an object"],
    [`{"t":"0","p":"a","op":0,"type":"ok","f":"x"}`, "line 1: t must be a finite number"],
    [`{"t":0,"p":"","op":0,"type":"ok","f":"x"}`, "line 1: p must be a string"],
    [`{"t":0,"p":-1,"op":0,"type":"ok","f":"x"}`, "line 1: p must be a string"],
    [`{"t":0,"p":"a","op":0.5,"type":"ok","f":"x"}`, "line 1: op must be a whole number"],
    [`{"t":0,"p":"a","op":0,"type":"maybe","f":"x"}`, "line 1: type must be one of invoke"],
    [`{"t":0,"p":"a","op":0,"type":"invoke"}`, "line 1: f must be a string"],
    [`{"t":0,"p":"a","op":0,"type":"invoke","f":"x","k":[]}`, "line 1: k must be a string"],
    [`{"t":0,"p":"a","op":0,"type":"invoke","f":"${"x".repeat(2_000)}"}`, "line 1: f must be"],
    [`{"t":0,"v":${"[".repeat(99)}${"]".repeat(99)}}`, "nested deeper than 32"],
  ])("are refused by line: %s", (text, message) => {
    expect(() => parseHistory(text)).toThrow(message);
    expect(() => parseHistory(text)).toThrow("INVALID_ARGUMENT");
  });

  it("are bounded in number and length", () => {
    const text = formatHistory(historyOf([WRITE, DONE]));
    expect(() => parseHistory(text, { maxEvents: 1 })).toThrow(
      "line 2 must be within maxEvents, 1",
    );
    expect(() => parseHistory(text, { maxLineBytes: 20 })).toThrow("at most 20 allowed");
  });

  it("cannot touch a prototype", () => {
    const text = `{"t":0,"p":"__proto__","op":0,"type":"invoke","f":"x","v":{"__proto__":{"a":1}}}`;
    const { operations } = parseHistory(text);
    expect(operations[0]?.process).toBe("__proto__");
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});
