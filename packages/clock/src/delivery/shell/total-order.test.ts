/** A sequencer's order on the memory bus: leading, being deposed, joining, and broken links. */
import type { QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { bytesOf, listener, Processes, textOf } from "./shell.fixture.ts";
import { createTotalOrder, type TotalOrder, type TotalOrderOptions } from "./total-order.ts";

const MEMBERS = ["a#1", "b#1", "c#1"];

class Group {
  readonly processes: Processes = new Processes();
  readonly heard: Record<string, string[]> = {};
  readonly orders: Record<string, TotalOrder> = {};

  async open(self: string, more: Partial<TotalOrderOptions> = {}): Promise<TotalOrder> {
    const { heard, handler } = listener();
    const { runtime } = this.processes;
    const base = { group: "g", self, boot: "1", members: MEMBERS, runtime, handler };
    const { bus } = this.processes.of(self);
    const order = await this.processes.settle(createTotalOrder(bus, { ...base, ...more }));
    this.heard[self] = heard;
    this.orders[self] = order;
    return order;
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.processes.settle(promise);
  }

  publish(self: string, text: string): Promise<{ readonly seq: number }> {
    return this.orders[self]!.publish(bytesOf(text));
  }
}

async function three(): Promise<Group> {
  const group = new Group();
  for (const self of ["a", "b", "c"]) await group.open(self);
  return group;
}

async function failureOf(promise: Promise<unknown>): Promise<QuorateError> {
  return (await promise.then(
    () => expect.fail("should have failed"),
    (reason: unknown) => reason,
  )) as QuorateError;
}

describe("a total order on a bus", () => {
  it("gives each message one place, the same at all members", async () => {
    const group = await three();
    await group.settle(group.orders["a"]!.lead({ epoch: 1 }));
    const published = Array.from({ length: 30 }, (_, index) => {
      return group.publish(["a", "b", "c"][index % 3]!, `${index}`);
    });
    const places = await group.settle(Promise.all(published));
    await group.processes.runtime.advance(1_000);
    expect(places.map(({ seq }) => seq).toSorted((x, y) => x - y)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    const { a, b, c } = group.heard;
    expect(a).toHaveLength(30);
    expect(b).toEqual(a);
    expect(c).toEqual(a);
    for (const [index, { seq }] of places.entries()) expect(a?.[seq - 1]).toBe(`${index}`);
  });

  it("waits for a sequencer, and keeps what was published until there is one", async () => {
    const group = await three();
    const early = group.publish("b", "early");
    await group.processes.runtime.advance(10_000);
    expect(group.heard["b"]).toEqual([]);
    await group.settle(group.orders["c"]!.lead({ epoch: 7 }));
    expect(await group.settle(early)).toEqual({ seq: 1 });
  });

  it("survives a sequencer that is cut off in flight, and refuses it after", async () => {
    const group = await three();
    await group.settle(group.orders["a"]!.lead({ epoch: 1 }));
    await group.settle(group.publish("b", "one"));
    await group.processes.runtime.advance(1_000);
    group.processes.of("a").faults.cut();
    const lonely = group.publish("a", "from the old one");
    const two = group.publish("b", "two");
    await group.processes.runtime.advance(2_000);
    await group.settle(group.orders["b"]!.lead({ epoch: 2 }));
    expect(await group.settle(two)).toEqual({ seq: 2 });
    group.processes.of("a").faults.restore();
    expect(await group.settle(lonely)).toEqual({ seq: 3 });
    await group.processes.runtime.advance(2_000);
    for (const heard of Object.values(group.heard)) {
      expect(heard).toEqual(["one", "two", "from the old one"]);
    }
    expect(group.processes.told("deposed")).toMatchObject([{ self: "a#1", epoch: 1, by: 2 }]);
    const refused = await failureOf(group.settle(group.orders["c"]!.lead({ epoch: 2 })));
    expect(refused).toMatchObject({ code: "STALE_TOKEN", effect: "none", details: { floor: 2 } });
  });

  it("brings in a restarted node as a new member, from a place that it is told", async () => {
    const group = await three();
    await group.settle(group.orders["a"]!.lead({ epoch: 1 }));
    await group.settle(group.publish("c", "one"));
    await group.orders["c"]!.close();
    const reborn = await group.open("c", { boot: "2" });
    const members = ["a#1", "b#1", reborn.self];
    await group.settle(group.orders["a"]!.lead({ epoch: 2, members }));
    await group.settle(group.publish("c", "two"));
    await group.processes.runtime.advance(1_000);
    expect(group.heard["c"]).toEqual(["two"]);
    expect(group.heard["a"]).toEqual(["one", "two"]);
    expect(group.processes.told("entered")).toMatchObject([{ self: "c#2", from: 2 }]);
  });

  it("tells who is left out, and who waits there, that nobody here knows", async () => {
    const group = await three();
    await group.settle(group.orders["a"]!.lead({ epoch: 1 }));
    group.processes.of("c").faults.cut();
    const waiting = failureOf(group.publish("c", "lost?"));
    await group.processes.runtime.advance(10);
    await group.settle(group.orders["a"]!.lead({ epoch: 2, members: ["a#1", "b#1"] }));
    group.processes.of("c").faults.restore();
    expect(await group.settle(waiting)).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await failureOf(group.publish("c", "late"))).toMatchObject({
      code: "CLOSED",
      effect: "none",
    });
    expect(group.processes.told("excluded")).toMatchObject([{ self: "c#1", epoch: 2 }]);
  });

  it("says of a publication that was called off whether it may still get a place", async () => {
    const group = await three();
    const off = new AbortController();
    const sent = failureOf(group.orders["a"]!.publish(bytesOf("x"), { signal: off.signal }));
    await group.processes.runtime.advance(100);
    off.abort();
    expect(await sent).toMatchObject({ code: "ABORTED", effect: "unknown" });
    const before = group.orders["a"]!.publish(bytesOf("y"), { signal: off.signal });
    expect(await failureOf(before)).toMatchObject({ code: "ABORTED", effect: "none" });
    await group.settle(group.orders["a"]!.lead({ epoch: 1 }));
    await group.processes.runtime.advance(1_000);
    expect(group.heard["b"]).toEqual(["x"]);
  });

  it("makes the publisher wait while too many of its messages have no place", async () => {
    const group = new Group();
    const order = await group.open("a", { members: ["a#1"], pendingMax: 2 });
    const published = ["1", "2", "3", "4"].map((text) => order.publish(bytesOf(text)));
    await group.processes.runtime.advance(1_000);
    await group.settle(order.lead({ epoch: 1 }));
    const places = await group.settle(Promise.all(published));
    expect(places.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(group.heard["a"]).toEqual(["1", "2", "3", "4"]);
  });

  it("lets a reader take its time, and others go on meanwhile", async () => {
    const group = new Group();
    for (const self of ["a", "b"]) await group.open(self);
    const { runtime } = group.processes;
    const options = { group: "g", self: "c", boot: "1", members: MEMBERS, runtime, maxUnread: 2 };
    const { bus } = group.processes.of("c");
    const slow = await group.settle(createTotalOrder(bus, options));
    await group.settle(group.orders["a"]!.lead({ epoch: 1 }));
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const text of texts) await group.settle(group.publish("a", text));
    const read: string[] = [];
    for (const _ of texts) {
      read.push(textOf((await group.settle(slow.deliveries.next())).value?.data));
    }
    expect(read).toEqual(texts);
  });

  it("ends for those who wait when it is closed, and leaves no timer", async () => {
    const group = await three();
    const { a, b, c } = group.orders;
    const waiting = failureOf(group.publish("a", "x"));
    group.processes.of("a").faults.cut();
    const leading = failureOf(a!.lead({ epoch: 1 }));
    await group.processes.runtime.advance(10);
    for (const order of [a, b, c]) await order!.close();
    expect(await waiting).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    expect(await leading).toMatchObject({ code: "CLOSED" });
    for (const self of ["a", "b", "c"]) await group.processes.of(self).close();
    expect(group.processes.runtime.pendingTimers).toBe(0);
  });
});
