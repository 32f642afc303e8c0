import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { saga } from "./define.ts";
import type { AnySaga } from "./define-saga.ts";

const input = z.object({ n: z.number() });
const begin = (name = "s") => saga(name, { version: 1, input });
const step = { run: () => 1, undo: () => {} };
const forward = { run: () => 1 };

/** What JavaScript can call although TypeScript would not let it. */
interface Loose {
  step(name: unknown, options?: unknown): Loose;
  parallel(branches: unknown): Loose;
  child(name: unknown, saga?: unknown, input?: unknown): Loose;
  pivot(name: unknown, options?: unknown): Loose;
  returns(result?: unknown): AnySaga;
}
const loose = (name = "s"): Loose => begin(name) as unknown as Loose;

function refusalOf(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    if (isQuorateError(error, "INVALID_ARGUMENT")) return error.message;
    throw error;
  }
  throw new Error("it should have been refused");
}

describe("a definition", () => {
  it("becomes a model with all defaults filled in", () => {
    const { model, version, name, hash } = begin("pay")
      .step("reserve", step)
      .parallel({ mail: step, log: { run: () => 1, undo: "none", timeoutMs: 50 } })
      .pivot("send", { ...forward, retry: { attempts: 9 } })
      .step("tell", forward)
      .returns(({ out }) => out.tell);
    expect({ name, version, hash }).toEqual({ name: "pay", version: 1, hash: model.hash });
    const [reserve, parallel, send, tell] = model.stages;
    expect(reserve).toMatchObject({
      kind: "step",
      pivot: false,
      timeoutMs: 10_000,
      undoTimeoutMs: 10_000,
      retry: { attempts: 5, baseMs: 200, maxMs: 30_000 },
      undoRetry: { attempts: 20, baseMs: 200, maxMs: 60_000 },
      onExhausted: "compensate",
      intent: false,
      settleMs: 0,
    });
    expect(parallel).toMatchObject({
      kind: "parallel",
      name: "mail+log",
      branches: [
        { name: "mail", undo: expect.any(Function) },
        { name: "log", undo: undefined, timeoutMs: 50, undoTimeoutMs: 50 },
      ],
    });
    expect(send).toMatchObject({ pivot: true, onExhausted: "park", retry: { attempts: 9 } });
    expect(tell).toMatchObject({ pivot: false, undo: undefined, onExhausted: "park" });
    expect(model).toMatchObject({ deadlineMs: undefined, undoOrder: "strict", redact: undefined });
  });

  it("can be forked: a builder never changes", () => {
    const stem = begin().step("a", step);
    const one = stem.step("b", step).returns(() => 1);
    const two = stem.step("c", step).returns(() => 1);
    expect(one.model.stages.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(two.model.stages.map(({ name }) => name)).toEqual(["a", "c"]);
    expect(Object.isFrozen(one.model) && Object.isFrozen(one.model.stages)).toBe(true);
  });

  it("has another saga as a step", () => {
    const inner = begin("inner")
      .step("x", step)
      .returns(() => "made");
    const outer = begin("outer")
      .child("in", inner, ({ input: { n } }) => ({ n }))
      .returns(({ out }) => out.in);
    expect(outer.model.stages[0]).toMatchObject({ kind: "child", name: "in", saga: inner.model });
  });
});

describe("refused when it is defined, by name:", () => {
  const longest = { ...step, retry: { attempts: 1_001 } };
  const cases: readonly (readonly [string, RegExp, () => unknown])[] = [
    ["a name of two segments", /saga name .*one segment/, () => begin("a/b")],
    ["a step of two segments", /step name .*one segment/, () => loose().step("a/b", step)],
    ["a step with a colon", /step name .*one segment/, () => loose().step("a:undo", step)],
    ["a step called __proto__", /step name/, () => loose().step("__proto__", step)],
    ["a step without a name", /step name/, () => loose().step("", step)],
    ["a version of 0", /version must be an integer > 0/, () => saga("s", { version: 0, input })],
    ["a version of 1.5", /version must be an integer/, () => saga("s", { version: 1.5, input })],
    ["no schema", /input must be a Standard/, () => saga("s", { version: 1, input: {} as never })],
    [
      "an unknown undo order",
      /undoOrder/,
      () => saga("s", { version: 1, input, undoOrder: "any" as "strict" }),
    ],
    ["a deadline of 0", /deadlineMs/, () => saga("s", { version: 1, input, deadlineMs: 0 })],
    ["a misspelt option", /"a"\.retries/, () => loose().step("a", { ...step, retries: 1 })],
    ["no options", /step "a" must be an object/, () => loose().step("a")],
    ["no run", /step "a": run/, () => loose().step("a", { undo: "none" })],
    ["no undo", /step "a": undo must be a function, or "none"/, () => loose().step("a", forward)],
    ["an undo of another word", /step "a": undo/, () => loose().step("a", { ...step, undo: "no" })],
    ["an undo of the pivot", /step "p": undo/, () => loose().pivot("p", step)],
    [
      "an undo behind the pivot",
      /step "b": undo must be absent/,
      () => loose().pivot("p", forward).step("b", step),
    ],
    [
      "two pivots",
      /pivot "q" must be after p: none/,
      () => loose().pivot("p", forward).pivot("q", forward),
    ],
    [
      "a pivot that is optional",
      /"p": when/,
      () => loose().pivot("p", { ...forward, when: Number }),
    ],
    [
      "a branch that is a pivot",
      /branch "b" must be no pivot/,
      () => loose().parallel({ a: step, b: { ...step, pivot: true } }),
    ],
    ["no branches", /parallel/, () => loose().parallel({})],
    ["two of a name", /"a"/, () => loose().step("a", step).step("a", step)],
    ["a branch of a taken name", /"a"/, () => loose().step("a", step).parallel({ a: step })],
    ["no steps", /at least one step/, () => loose().returns(() => 1)],
    ["no result", /returns must be a function/, () => loose().step("a", step).returns()],
    ["too many attempts", /"a": retry\.attempts/, () => loose().step("a", longest)],
    ["half an attempt", /attempts/, () => loose().step("a", { ...step, retry: { attempts: 1.5 } })],
    [
      "a pause beyond its bound",
      /"a": undoRetry\.maxMs must be at least baseMs/,
      () => loose().step("a", { ...step, undoRetry: { baseMs: 9, maxMs: 1 } }),
    ],
    ["a timeout of 0", /"a": timeoutMs/, () => loose().step("a", { ...step, timeoutMs: 0 })],
    ["a settling time below 0", /settleMs/, () => loose().step("a", { ...step, settleMs: -1 })],
    ["an intent of 1", /"a": intent/, () => loose().step("a", { ...step, intent: 1 })],
    ["a check that is none", /"a": check/, () => loose().step("a", { ...step, check: 1 })],
    ["neither way", /onExhausted/, () => loose().step("a", { ...step, onExhausted: "die" })],
  ];

  it.each(cases)("%s", (_, message, define) => {
    expect(refusalOf(define)).toMatch(message);
  });

  it("more than a hundred steps", () => {
    let draft = loose();
    for (let index = 0; index < 100; index++) draft = draft.step(`s${index}`, step);
    expect(refusalOf(() => draft.step("last", step))).toMatch(/at most 100/);
    expect(draft.returns(() => 1).model.stages).toHaveLength(100);
  });
});

describe("a child is refused", () => {
  const child = begin("inner")
    .step("x", step)
    .returns(() => 1);
  const id = ({ n }: { n: number }) => ({ n });

  it("behind the pivot, as it may end undone", () => {
    const decided = loose().pivot("p", forward);
    expect(refusalOf(() => decided.child("c", child, id))).toMatch(/before the pivot/);
  });

  it("with a pivot, also one further inside, as it could not be undone", () => {
    const decided = begin("decided").pivot("p", forward);
    const pivoted = decided.returns(() => 1);
    expect(refusalOf(() => loose().child("c", pivoted, id))).toMatch(/without a pivot/);
    expect(refusalOf(() => loose("m").child("c", pivoted, id))).toMatch(/without a pivot/);
  });

  it("inside of itself, by whatever way", () => {
    const middle = loose("middle")
      .child("c", child, id)
      .returns(() => 1);
    expect(refusalOf(() => loose("inner").child("c", child, id))).toMatch(
      /another saga than inner/,
    );
    expect(refusalOf(() => loose("inner").child("c", middle, id))).toMatch(
      /another saga than inner/,
    );
  });

  it("more than five levels deep", () => {
    let inside: AnySaga = child;
    for (const name of ["b", "c", "d", "e"]) {
      inside = loose(name)
        .child("in", inside, id)
        .returns(() => 1);
    }
    expect(refusalOf(() => loose("f").child("in", inside, id))).toMatch(/at most 5/);
  });

  it("when it is no saga, or without its input", () => {
    expect(refusalOf(() => loose().child("c", begin("x"), id))).toMatch(/ends in \.returns/);
    expect(refusalOf(() => loose().child("c", child))).toMatch(/"c": input/);
  });
});
