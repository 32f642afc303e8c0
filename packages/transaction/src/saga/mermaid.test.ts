import { describe, expect, it } from "vitest";
import { saga } from "./define.ts";
import { sagaMermaid } from "./mermaid.ts";

const input = (n: number) => n;
const step = { run: () => 1, undo: () => {} };
const inner = saga("inner", { version: 2, input })
  .step("x", step)
  .returns(() => 1);
const order = saga("order", { version: 3, input })
  .step("reserve", step)
  .parallel({ mail: step, score: { run: () => 1, undo: "none" } })
  .child("audit", inner, ({ input: n }) => n)
  .step("gift", { ...step, when: () => true })
  .pivot("dispatch", { run: () => 1 })
  .returns(() => 1);

describe("a picture of a definition", () => {
  it("shows stages in order, branches side by side, the pivot and what is optional", () => {
    expect(order.mermaid()).toBe(`flowchart TD
  start(["order v3"])
  s0["reserve"]
  start --> s0
  s1["mail"]
  s2["score"]
  s0 --> s1 & s2
  s3[["audit: inner v2"]]
  s1 & s2 --> s3
  s4["gift?"]
  s3 --> s4
  s5{{"dispatch"}}
  s4 --> s5
  finish(["done"])
  s5 --> finish
`);
  });

  it("lets no name say anything but itself", () => {
    const name = 'a"]; click s0 "javascript:alert`1`" <b>#quot;\u202e';
    const evil = saga("s", { version: 1, input })
      .step(name.replaceAll(":", ""), step)
      .returns(() => 1);
    const [, , line] = evil.mermaid().split("\n");
    expect(line).toMatch(/^ {2}s0\["[\p{L}\p{N} _.:?,+\-#;]+"\]$/u);
    expect(line).toContain("a#34;#93;#59;");
    expect(line).not.toMatch(/[<>`\u202e]/);
  });
});

describe("a picture of an instance", () => {
  it("colours each step by what is known of it", () => {
    const text = sagaMermaid(order.model, {
      state: "compensating",
      stuck: "mail",
      steps: {
        reserve: { outcome: "done", undone: true },
        mail: { outcome: "unknown" },
        score: { outcome: "done" },
        audit: { outcome: "refused" },
        gift: { outcome: "skipped" },
      },
    });
    const classes = text.split("\n").filter((line) => line.startsWith("  class "));
    expect(classes).toEqual([
      "  class s0 undone",
      "  class s1 stuck",
      "  class s2 done",
      "  class s3 refused",
      "  class s4 skipped",
    ]);
    expect(text).toContain('finish(["compensating"])');
    expect(text.match(/classDef/g)).toHaveLength(5);
  });

  it("leaves what has not begun as it is, also steps called like members of objects", () => {
    const odd = saga("s", { version: 1, input })
      .step("constructor", step)
      .returns(() => 1);
    const text = sagaMermaid(odd.model, { state: "running", steps: {} });
    expect(text).not.toMatch(/^ *class/m);
  });
});
