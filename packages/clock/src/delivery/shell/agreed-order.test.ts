/** An agreed order on the memory bus: views, deaths between the rounds, and broken links. */
import type { QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { type AgreedOrder, type AgreedOrderOptions, createAgreedOrder } from "./agreed-order.ts";
import { bytesOf, listener, Processes } from "./shell.fixture.ts";

const VIEW = { epoch: 1, members: ["a#1", "b#1", "c#1"] };

class Group {
  readonly processes: Processes = new Processes();
  readonly heard: Record<string, string[]> = {};
  readonly orders: Record<string, AgreedOrder> = {};

  async open(self: string, more: Partial<AgreedOrderOptions> = {}): Promise<AgreedOrder> {
    const { heard, handler } = listener();
    const { runtime } = this.processes;
    const base = { group: "g", self, boot: "1", view: VIEW, runtime, handler };
    const { bus } = this.processes.of(self);
    const order = await this.processes.settle(createAgreedOrder(bus, { ...base, ...more }));
    this.heard[self] = heard;
    this.orders[self] = order;
    return order;
  }

  publish(self: string, text: string): Promise<{ readonly seq: number }> {
    return this.orders[self]!.publish(bytesOf(text));
  }

  async install(selves: string[], view: { epoch: number; members: string[] }): Promise<void> {
    const installed = selves.map((self) => this.orders[self]!.install(view));
    await this.processes.settle(Promise.all(installed));
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

describe("an agreed order on a bus", () => {
  it("is the same at all members, whoever publishes", async () => {
    const group = await three();
    const published = Array.from({ length: 30 }, (_, index) => {
      return group.publish(["a", "b", "c"][index % 3]!, `${index}`);
    });
    await group.processes.settle(Promise.all(published));
    await group.processes.runtime.advance(1_000);
    const { a, b, c } = group.heard;
    expect(a).toHaveLength(30);
    expect(b).toEqual(a);
    expect(c).toEqual(a);
  });

  it("waits for a silent member, says for whom, and goes on in a view without it", async () => {
    const group = await three();
    await group.processes.runtime.advance(1_000);
    group.processes.of("c").faults.cut();
    const waiting = group.publish("a", "one");
    await group.processes.runtime.advance(10_000);
    expect(group.heard["a"]).toEqual([]);
    expect(group.processes.told("waiting")).toContainEqual(
      expect.objectContaining({ self: "a#1", members: ["c#1"] }),
    );
    await group.install(["a", "b"], { epoch: 2, members: ["a#1", "b#1"] });
    expect(await group.processes.settle(waiting)).toEqual({ seq: 1 });
    expect(group.heard["b"]).toEqual(["one"]);
  });

  it("tells a member that it was left out, and those who wait there", async () => {
    const group = await three();
    group.processes.of("c").faults.cut();
    const waiting = failureOf(group.publish("c", "?"));
    await group.processes.runtime.advance(10);
    const out = { epoch: 2, members: ["a#1", "b#1"] };
    expect(await failureOf(group.orders["c"]!.install(out))).toMatchObject({ code: "CLOSED" });
    expect(await waiting).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    expect(await failureOf(group.publish("c", "late"))).toMatchObject({ effect: "none" });
  });

  it("lets a new life join with the next view, with what it published before", async () => {
    const group = await three();
    await group.processes.settle(group.publish("a", "before"));
    await group.orders["c"]!.close();
    await group.open("c", { boot: "2" });
    const early = group.publish("c", "early");
    await group.install(["a", "b", "c"], { epoch: 2, members: ["a#1", "b#1", "c#2"] });
    await group.processes.settle(early);
    await group.processes.runtime.advance(1_000);
    expect(group.heard["c"]).toEqual(["early"]);
    expect(group.heard["a"]).toEqual(["before", "early"]);
  });

  it("says when members were told different views", async () => {
    const group = await three();
    void group.orders["a"]!.install({ epoch: 2, members: ["a#1", "b#1"] }).catch(() => {});
    void group.orders["b"]!.install({ epoch: 2, members: VIEW.members }).catch(() => {});
    await group.processes.runtime.advance(2_000);
    expect(group.processes.told("view-mismatch").length).toBeGreaterThan(0);
    expect(group.processes.told("behind")).toMatchObject([{ self: "c#1", epoch: 2 }]);
  });

  it("refuses a view that is none", async () => {
    const group = await three();
    const { install } = { install: (view: never) => group.orders["a"]!.install(view) };
    for (const view of [undefined, { epoch: 2, members: ["a"] }, { epoch: 0.5, members: [] }]) {
      expect(await failureOf(install(view as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(await group.processes.settle(group.publish("a", "fine"))).toEqual({ seq: 1 });
  });

  it("leaves no timer behind", async () => {
    const group = await three();
    for (const self of ["a", "b", "c"]) await group.orders[self]!.close();
    for (const self of ["a", "b", "c"]) await group.processes.of(self).close();
    expect(group.processes.runtime.pendingTimers).toBe(0);
  });
});
