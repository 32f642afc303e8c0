/**
 * Small histories that can be followed by hand: what each order promises, what it does not, and
 * the cases in which broadcasts of this kind are known to go wrong.
 */
import { describe, expect, it } from "vitest";

import { AgreeingGroup } from "./agreement/agreement.fixture.ts";
import { decodeAgreementFrame } from "./agreement/agreement-frames.ts";
import { Group } from "./causal/broadcast.fixture.ts";
import { CALM } from "./network.fixture.ts";
import { OrderedGroup } from "./sequencer/sequencer.fixture.ts";

const [A, B, C] = ["a#1", "b#1", "c#1"] as const;

describe("three different promises", () => {
  it("FIFO lets an answer arrive before its question", () => {
    const group = new Group("fifo", 1, 3, CALM);
    group.net.filter = (from, to) => !(from === A && to === C);
    group.publish(A, "question");
    group.net.run(10);
    group.publish(B, "answer");
    group.net.run(10);
    expect(group.delivered.get(C)).toEqual(["answer"]);
    expect(group.causalityBroken()).toEqual(["c#1 has answer without question"]);
  });

  it("causal order holds the answer back, without the question's sender", () => {
    const group = new Group("causal", 1, 3, CALM);
    group.net.run(200);
    group.net.filter = (from, to) => !(from === A && to === C);
    group.publish(A, "question");
    group.net.run(10);
    group.publish(B, "answer");
    group.net.run(10);
    expect(group.delivered.get(C)).toEqual([]);
    group.net.run(2_000); // b passes the question on.
    expect(group.delivered.get(C)).toEqual(["question", "answer"]);
  });

  it("causal order learns from the answer alone that there was a question", () => {
    const group = new Group("causal", 1, 3, CALM);
    group.net.run(200);
    group.net.filter = (from, to, { kind }) => kind !== "digest" && !(from === A && to === C);
    group.publish(A, "question");
    group.net.run(10);
    group.publish(B, "answer");
    group.net.run(2_000);
    expect(group.delivered.get(C)).toEqual(["question", "answer"]);
  });

  it("causal order is no total order: two who do not know of each other differ", () => {
    const group = new Group("causal", 1, 2, { ...CALM, maxDelayMs: 10 });
    group.net.run(200);
    group.publish(A, "from a");
    group.publish(B, "from b");
    group.net.run(1_000);
    expect(group.delivered.get(A)).toEqual(["from a", "from b"]);
    expect(group.delivered.get(B)).toEqual(["from b", "from a"]);
    expect(group.causalityBroken()).toEqual([]);
  });

  it("both total orders give the same history one order", () => {
    const sequenced = new OrderedGroup(1, 2, { ...CALM, maxDelayMs: 10 });
    const agreed = new AgreeingGroup(1, 2, { ...CALM, maxDelayMs: 10 });
    sequenced.lead(A, 1);
    for (const group of [sequenced, agreed]) {
      group.net.run(500);
      group.publish(A, "from a");
      group.publish(B, "from b");
      group.net.run(1_000);
      expect(group.delivered.get(A)).toHaveLength(2);
      expect(group.delivered.get(B)).toEqual(group.delivered.get(A));
    }
  });
});

describe("causal order, case 48", () => {
  it("survives drop, duplicate and relay over a third, and its buffer says when it is full", () => {
    const group = new Group("causal", 7, 3, { drop: 0.2, duplicate: 0.5, maxDelayMs: 200 });
    group.open(C, group.members, { holdBackMax: 3 });
    group.net.run(500);
    // Nothing of a gets to c but through b.
    group.net.filter = (from, to) => !(from === A && to === C) && !(from === C && to === A);
    for (let index = 0; index < 12; index++) {
      group.publish(A, `a${index}`);
      group.net.run(60);
      group.publish(B, `b${index}`);
    }
    group.net.weather = CALM;
    group.net.run(60_000);
    expect(group.incomplete()).toEqual([]);
    expect(group.causalityBroken()).toEqual([]);
    expect(group.fifoBroken()).toEqual([]);
    const [full] = group.net.of(C, "hold-back-full");
    expect(full).toMatchObject({ limit: 3 });
  });

  it("never holds back more than its bound", () => {
    const group = new Group("causal", 3, 3, CALM);
    group.open(C, group.members, { holdBackMax: 3 });
    group.net.run(200);
    group.net.filter = (from, to, { kind }) => to !== C || (from === B && kind === "data");
    group.publish(A, "cause");
    group.net.run(50);
    for (let index = 0; index < 20; index++) group.publish(B, `effect ${index}`);
    group.net.run(100);
    const machine = group.net.machines.get(C) as unknown as { readonly held: number };
    expect(machine.held).toBe(3);
    expect(group.delivered.get(C)).toEqual([]);
    group.net.filter = () => true;
    group.net.run(20_000);
    expect(group.delivered.get(C)).toHaveLength(21);
  });
});

describe("streams that end", () => {
  it("survivors come to the same end of a dead member's stream", () => {
    const group = new Group("fifo", 5, 3, CALM);
    group.net.run(200);
    group.publish(A, "to all");
    group.net.run(1);
    group.net.filter = (from, to) => !(from === A && to === C);
    group.publish(A, "to b only");
    group.net.run(1);
    group.net.crash(A);
    for (const member of [B, C]) {
      const view = { epoch: 2, members: [B, C] };
      group.net.input(member, { kind: "view", view });
    }
    group.net.run(5_000);
    expect(group.delivered.get(B)).toEqual(["to all", "to b only"]);
    expect(group.delivered.get(C)).toEqual(["to all", "to b only"]);
  });

  it("a live member that was left out cannot go on talking to some", () => {
    const group = new Group("fifo", 5, 3, CALM);
    group.net.run(200);
    for (const member of [B, C]) {
      group.net.input(member, { kind: "view", view: { epoch: 2, members: [B, C] } });
    }
    group.net.filter = (from, to) => !(from === A && to === C);
    group.publish(A, "for b, too late");
    group.net.run(5_000);
    expect(group.delivered.get(B)).toEqual([]);
    expect(group.delivered.get(C)).toEqual([]);
  });

  it("tells what is lost when nobody has it, and delivers the rest after a skip", () => {
    const group = new Group("fifo", 5, 2, CALM);
    group.open(A, group.members, { logMax: 3 });
    group.publish(A, "1");
    group.net.run(200);
    group.net.filter = (_from, to) => to !== B;
    for (const text of ["2", "3", "4", "5", "6"]) group.publish(A, text);
    group.net.filter = () => true;
    group.net.run(10_000);
    expect(group.delivered.get(B)).toEqual(["1"]);
    expect(group.net.of(B, "lost")).toEqual([{ kind: "lost", member: A, first: 2, last: 3 }]);
    group.net.input(B, { kind: "skip", member: A, through: 3 });
    group.net.run(10_000);
    expect(group.delivered.get(B)).toEqual(["1", "4", "5", "6"]);
  });

  it("tells that it stalls when those who were asked are silent", () => {
    const group = new Group("fifo", 5, 2, CALM);
    group.net.run(200);
    group.net.filter = (_from, _to, { kind }) => kind === "digest";
    group.publish(A, "1");
    group.net.run(60_000);
    expect(group.net.of(B, "stalled")).toMatchObject([{ member: A, first: 1, last: 1 }]);
    group.net.filter = () => true;
    group.net.run(10_000);
    expect(group.delivered.get(B)).toEqual(["1"]);
  });

  it("does not take a restarted sender's first message for a duplicate", () => {
    const group = new Group("causal", 5, 2, CALM);
    group.publish(A, "first life");
    group.net.run(200);
    group.net.crash(A);
    group.net.input(B, { kind: "view", view: { epoch: 2, members: ["a#2", B] } });
    group.open("a#2", ["a#2", B]);
    group.publish("a#2", "second life");
    group.net.run(2_000);
    expect(group.delivered.get(B)).toEqual(["first life", "second life"]);
  });
});

describe("agreement, case 49", () => {
  it("two senders with the same number: the name decides, the same everywhere", () => {
    const group = new AgreeingGroup(1, 2, { ...CALM, maxDelayMs: 1 });
    const finals: [string, number][] = [];
    group.net.filter = (from, _to, frame) => {
      const inner = frame.kind === "data" ? decodeAgreementFrame(frame.data) : undefined;
      if (inner?.kind === "final") finals.push([from, inner.ranks[0]?.rank.number ?? 0]);
      return true;
    };
    group.net.run(300);
    group.publish(B, "from b");
    group.publish(A, "from a");
    group.net.run(1_000);
    expect(new Set(finals.map(([, number]) => number)).size).toBe(1);
    expect(new Set(finals.map(([from]) => from)).size).toBe(2);
    expect(group.disagreements()).toEqual([]);
    expect(group.delivered.get(A)).toHaveLength(2);
  });

  it("a sender dies between propose and final: survivors finish it, at the same place", () => {
    const group = new AgreeingGroup(1, 3, CALM);
    group.net.run(300);
    // What a decides is heard by nobody.
    group.net.filter = (from, _to, frame) => {
      const inner = frame.kind === "data" ? decodeAgreementFrame(frame.data) : undefined;
      return from !== A || inner?.kind !== "final";
    };
    group.publish(A, "orphan");
    group.net.run(20);
    group.publish(B, "behind it");
    group.net.run(40);
    expect(group.delivered.get(A)).toContain("orphan");
    group.net.crash(A);
    group.net.run(10_000);
    expect(group.delivered.get(B)).toEqual([]);
    expect(group.net.of(B, "waiting")).toMatchObject([{ members: [A] }]);
    group.change([B, C]);
    group.net.run(2_000);
    expect(group.delivered.get(B)).toEqual(["orphan", "behind it"]);
    expect(group.delivered.get(C)).toEqual(["orphan", "behind it"]);
  });

  it("a message that one survivor alone has is delivered by all, after what they delivered", () => {
    const group = new AgreeingGroup(1, 3, CALM);
    group.net.run(300);
    group.net.filter = (from, to) => !(from === A && to === C);
    group.publish(A, "for b only");
    group.net.run(20);
    group.net.crash(A);
    group.change([B, C]);
    group.net.run(2_000);
    expect(group.delivered.get(B)).toEqual(["for b only"]);
    expect(group.delivered.get(C)).toEqual(["for b only"]);
  });
});

describe("what one message costs in a group of three", () => {
  /** Frames, whoever hears them. */
  function framesOf(group: Group | OrderedGroup | AgreeingGroup, publish: () => void): number {
    group.net.run(1_000);
    const frames = new Set<string>();
    group.net.filter = (_from, _to, frame) => {
      if (frame.kind === "data") frames.add(`${frame.origin} ${frame.seq}`);
      return frame.kind !== "request";
    };
    publish();
    group.net.run(1_000);
    for (const member of [A, B, C]) expect(group.delivered.get(member)).toHaveLength(1);
    return frames.size;
  }

  it("is one frame in FIFO and causal order", () => {
    for (const order of ["fifo", "causal"] as const) {
      const group = new Group(order, 1, 3, CALM);
      expect(framesOf(group, () => group.publish(B, "m"))).toBe(1);
    }
  });

  it("is N + 2 with a sequencer, N + 1 by agreement", () => {
    const sequenced = new OrderedGroup(1, 3, CALM);
    sequenced.lead(A, 1);
    expect(framesOf(sequenced, () => sequenced.publish(B, "m"))).toBe(5);
    const agreed = new AgreeingGroup(1, 3, CALM);
    expect(framesOf(agreed, () => agreed.publish(B, "m"))).toBe(4);
  });
});
