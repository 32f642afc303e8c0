import { describe, expect, it } from "vitest";

import { Kernel } from "./kernel.ts";
import { formatEntry, TraceLog, Witness } from "./witness.ts";

describe("a trace", () => {
  it("keeps its last lines, and says how many it forgot", () => {
    const log = new TraceLog(10);
    for (let index = 0; index < 57; index++) {
      log.add({ atMs: index, node: "n", kind: "note", text: String(index) });
    }
    expect(log.entries.map(({ text }) => text)).toEqual(
      Array.from({ length: 10 }, (_, index) => String(47 + index)),
    );
    expect(log.forgotten).toBe(47);
  });

  it("prints lines that can be read in columns", () => {
    const send = { atMs: 1.5, node: "a", kind: "send", text: "ping", peer: "b" } as const;
    expect(formatEntry(send)).toBe("      1.500 ms  a              send     ping to b");
    expect(formatEntry({ ...send, node: "", kind: "receive" })).toMatch(
      /world +receive +ping from b/,
    );
  });

  it("has what code under test published, also what JSON cannot say", () => {
    const trace = new TraceLog(10);
    const kernel = new Kernel({ seed: 1, witness: new Witness(trace) });
    const node = kernel.addNode("n", "process");
    const heard: unknown[] = [];
    kernel.on("x", (event, at) => heard.push([event, at.name]));
    const circle: Record<string, unknown> = { big: 5n };
    circle["self"] = circle;
    node.runtime.events.channel("x").publish({ n: 1 });
    node.runtime.events.channel("x").publish(circle);
    expect(trace.entries[0]?.text).toBe('x {"n":1}');
    expect(trace.entries).toHaveLength(2);
    expect(heard).toEqual([
      [{ n: 1 }, "n"],
      [circle, "n"],
    ]);
    expect(kernel.witness.counts.get("event.x")).toBe(2);
  });
});

describe("counts", () => {
  it("are bounded: names made up at random end in one", () => {
    const witness = new Witness();
    for (let index = 0; index < 10_100; index++) witness.count(`name ${index}`);
    expect(witness.counts.size).toBe(10_001);
    expect(witness.counts.get("(other names)")).toBe(100);
  });
});

describe("a kernel", () => {
  it("keeps the first violation, with when and where", () => {
    const kernel = new Kernel({ seed: "0x2f" });
    kernel.violate("one", "first");
    kernel.violate("two", "second");
    expect(kernel.violation).toEqual({ claim: "one", message: "first", atMs: 0, node: "" });
    expect(kernel.seed.text).toBe("0x2f");
  });

  it("refuses two nodes of a name, and names that nobody has", () => {
    const kernel = new Kernel({ seed: 1 });
    kernel.addNode("a", "process");
    expect(() => kernel.addNode("a", "server")).toThrow("name");
    expect(() => kernel.addNode("", "server")).toThrow("name");
    expect(() => kernel.node("b")).toThrow("name");
  });
});
