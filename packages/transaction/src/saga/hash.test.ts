import { describe, expect, it } from "vitest";
import { saga } from "./define.ts";

const input = (n: number) => n;
const step = { run: () => 1, undo: () => {} };
const forward = { run: () => 1 };
const begin = () => saga("s", { version: 1, input });

const base = begin().step("a", step).step("b", step);

describe("the hash of a structure", () => {
  it("is the same in every release: records in flight hold it", () => {
    const inner = saga("inner", { version: 3, input })
      .step("x", { run: () => 1, undo: "none" })
      .returns(() => 1);
    const whole = begin()
      .step("réserver", { ...step, when: () => true })
      .parallel({ mail: step, log: step })
      .child("in", inner, () => 1)
      .pivot("send", forward)
      .step("tell", forward)
      .returns(() => 1);
    expect(inner.hash).toBe("44x6140_4JY1cThgnFY58_");
    expect(whole.hash).toBe("tOJ1cz0foTPWKpuUpz7yoW");
  });

  it("does not see functions, times, retries, name or version", () => {
    const other = saga("other", { version: 9, input, deadlineMs: 5 })
      .step("a", { run: () => "different", undo: () => 7, timeoutMs: 3, retry: { attempts: 1 } })
      .step("b", { ...step, check: () => ({ outcome: "none" }), intent: true, settleMs: 4 })
      .returns(() => "all");
    expect(other.hash).toBe(base.returns(() => 1).hash);
  });

  it("sees everything that a stored instance depends on", () => {
    const inner = (version: number) =>
      saga("inner", { version, input })
        .step("x", step)
        .returns(() => 1);
    const shapes = [
      base,
      begin().step("b", step).step("a", step),
      begin().step("a", step).step("c", step),
      begin().step("a", step),
      base.step("c", step),
      begin()
        .step("a", step)
        .step("b", { run: () => 1, undo: "none" }),
      begin()
        .step("a", step)
        .step("b", { ...step, when: () => true }),
      begin().step("a", step).pivot("b", forward),
      begin().pivot("a", forward).step("b", forward),
      begin().parallel({ a: step, b: step }),
      begin().parallel({ b: step, a: step }),
      begin()
        .step("a", step)
        .child("b", inner(1), () => 1),
      begin()
        .step("a", step)
        .child("b", inner(2), () => 1),
      saga("s", { version: 1, input, undoOrder: "independent" }).step("a", step).step("b", step),
    ];
    const hashes = shapes.map((shape) => shape.returns(() => 1).hash);
    expect(new Set(hashes).size).toBe(shapes.length);
    for (const hash of hashes) expect(hash).toMatch(/^[\w-]{22}$/);
  });
});
