/** Small histories of sequencers that change, that can be followed by hand. */
import { describe, expect, it } from "vitest";

import { bytesOf, CALM, textOf } from "../network.fixture.ts";
import { decodeOrderFrame } from "./order-frames.ts";
import { OrderedGroup } from "./sequencer.fixture.ts";

const [A, B, C] = ["a#1", "b#1", "c#1"] as const;

describe("a sequencer that changes in flight", () => {
  it("drops places that no majority had, and gives the messages new ones", () => {
    const group = new OrderedGroup(1, 3, CALM);
    group.lead(A, 1);
    group.net.run(500);
    // a's order reaches nobody from here on; the messages do.
    group.net.filter = (from, _to, frame) => {
      const inner = frame.kind === "data" ? decodeOrderFrame(frame.data) : undefined;
      return from !== A || inner === undefined || inner.kind === "submit";
    };
    group.publish(A, "x");
    group.publish(B, "y");
    group.net.run(30);
    expect(group.places).toEqual([]);
    group.net.filter = (from, to) => from !== A && to !== A;
    group.lead(B, 2);
    group.net.run(2_000);
    expect(group.delivered.get(C)).toHaveLength(2);
    group.net.filter = () => true;
    group.net.run(5_000);
    expect(group.problems).toEqual([]);
    expect(group.delivered.get(A)).toEqual(group.delivered.get(C));
    expect(group.net.of(A, "deposed")).toMatchObject([{ epoch: 1, by: 2 }]);
  });

  it("keeps a place that one member delivered before it died with the sequencer's word", () => {
    const group = new OrderedGroup(1, 3, CALM);
    group.lead(A, 1);
    group.net.run(500);
    group.net.filter = (from, to) => !(to === C && from === A);
    group.publish(A, "kept");
    group.net.run(10);
    expect(group.delivered.get(A)).toEqual(["kept"]);
    group.net.crash(A);
    group.lead(C, 2);
    group.net.run(20_000);
    expect(group.delivered.get(C)).toEqual(["kept"]);
    expect(group.problems).toEqual([]);
  });

  it("prefers the order of the higher epoch to a longer one", () => {
    const group = new OrderedGroup(1, 3, CALM);
    group.lead(A, 1);
    group.net.run(500);
    group.net.filter = (from, to) => from !== A && to !== A;
    group.publish(A, "never agreed on");
    group.publish(A, "nor this");
    group.lead(B, 2);
    group.publish(B, "agreed on");
    group.net.run(2_000);
    expect(group.delivered.get(C)).toEqual(["agreed on"]);
    group.net.crash(B);
    group.net.filter = () => true;
    group.lead(A, 3);
    group.net.run(10_000);
    expect(group.problems).toEqual([]);
    expect(group.delivered.get(A)).toEqual(["agreed on", "never agreed on", "nor this"]);
  });

  it("cuts the order before a message that died with all who had it", () => {
    const group = new OrderedGroup(1, 5, CALM);
    group.lead(B, 1);
    group.net.run(500);
    // a's message reaches b alone; what b makes of it reaches c alone.
    group.net.filter = (from, to) => (from === A ? to === B : from !== B || to === C);
    group.publish(A, "nobody who lives has it");
    group.net.run(20);
    group.net.crash(A);
    group.net.crash(B);
    group.net.filter = () => true;
    group.publish(C, "after");
    group.lead(C, 2);
    group.net.run(5_000);
    for (const member of [C, "d#1", "e#1"]) expect(group.delivered.get(member)).toEqual(["after"]);
    expect(group.problems).toEqual([]);
  });

  it("makes no place final while a majority has its name but not the message", () => {
    const group = new OrderedGroup(1, 5, CALM);
    group.lead(B, 1);
    group.net.run(500);
    group.net.filter = (_from, to, frame) => {
      return !(frame.kind === "data" && frame.origin === A && to !== B);
    };
    group.publish(A, "b alone has it");
    group.net.run(2_000);
    expect(group.places).toEqual([]);
    group.net.filter = () => true;
    group.net.run(10_000);
    expect(group.places).toHaveLength(1);
    expect(group.problems).toEqual([]);
  });

  it("asks a majority of a view that somebody promised to, though it never heard of it", () => {
    const group = new OrderedGroup(1, 3, CALM);
    group.lead(A, 1);
    group.net.run(500);
    const next = [A, "d#1", "e#1"];
    for (const member of next.slice(1)) group.open(member, group.members);
    // c hears b alone, so it cannot know what a, d and e agree on.
    group.net.filter = (from, to) => (from !== C || to === B) && (to !== C || from === B);
    group.net.run(100);
    group.lead(A, 2, next);
    group.net.run(2_000);
    group.publish(A, "agreed on in the new view");
    group.net.run(2_000);
    expect(group.delivered.get("d#1")).toEqual(["agreed on in the new view"]);
    group.lead(C, 3);
    group.publish(C, "of the old view");
    group.net.run(5_000);
    expect(group.net.of(C, "leading")).toEqual([]);
    expect(group.problems).toEqual([]);
  });

  it("does not lead without a majority, and does not deliver without one", () => {
    const group = new OrderedGroup(1, 3, CALM);
    group.net.filter = (from, to) => from !== A && to !== A;
    group.lead(A, 1);
    group.publish(A, "alone");
    group.net.run(5_000);
    expect(group.net.of(A, "leading")).toEqual([]);
    expect(group.delivered.get(A)).toEqual([]);
  });

  it("refuses an epoch that is not higher, and a sequencer that is not a member", () => {
    const group = new OrderedGroup(1, 1, CALM);
    group.lead(A, 5);
    group.lead(A, 5);
    expect(group.net.of(A, "deposed")).toEqual([{ kind: "deposed", epoch: 5, by: 5 }]);
    expect(() => group.lead(A, 6, [B])).toThrow(/members must be/);
    expect(() => group.lead(A, 0.5)).toThrow(/epoch must be/);
    group.net.input(A, { kind: "publish", data: bytesOf("still works") });
    expect(group.net.of(A, "deliver").map(({ data }) => textOf(data))).toEqual(["still works"]);
  });
});
