/** FIFO and causal broadcast on the memory bus, with links that break. */
import type { QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";

import {
  type Broadcast,
  type BroadcastOptions,
  createCausalBroadcast,
  createFifoBroadcast,
} from "./broadcast.ts";
import type { BroadcastNotice } from "./events.ts";
import { bytesOf, listener, Processes, textOf } from "./shell.fixture.ts";

const NODES = ["a", "b", "c"];

async function open(
  processes: Processes,
  self: string,
  options: Partial<BroadcastOptions> = {},
  create = createFifoBroadcast,
): Promise<Broadcast> {
  const { runtime } = processes;
  const all = { group: "g", self, members: NODES, runtime, ...options };
  return processes.settle(create(processes.of(self).bus, all));
}

async function codeOf(promise: Promise<unknown>): Promise<[string, string]> {
  const error = (await promise.catch((reason: unknown) => reason)) as QuorateError;
  return [error.code, error.effect];
}

describe.each([
  ["fifo", createFifoBroadcast],
  ["causal", createCausalBroadcast],
] as const)("%s broadcast on a bus", (_, create) => {
  it("brings every message to all, the publisher too, in the order of sending", async () => {
    const processes = new Processes();
    const ears = NODES.map(() => listener());
    const groups = await Promise.all(
      NODES.map((self, at) => open(processes, self, { handler: ears[at]!.handler }, create)),
    );
    for (let index = 0; index < 20; index++) {
      await processes.settle(groups[index % 3]!.publish(bytesOf(`${index % 3}:${index}`)));
    }
    await processes.runtime.advance(2_000);
    for (const { heard } of ears) {
      expect(heard).toHaveLength(20);
      for (const sender of ["0", "1", "2"]) {
        const theirs = heard.filter((text) => text.startsWith(sender));
        expect(theirs.map((text) => Number(text.slice(2)))).toEqual(
          theirs.map((_text, at) => at * 3 + Number(sender)),
        );
      }
    }
    for (const group of groups) await group.close();
  });

  it("repairs what was published while a link was cut, on either side", async () => {
    const processes = new Processes();
    const [ofA, ofB] = [listener(), listener()];
    const a = await open(processes, "a", { handler: ofA.handler }, create);
    const b = await open(processes, "b", { handler: ofB.handler }, create);
    await processes.settle(a.publish(bytesOf("one")));
    await processes.runtime.advance(1_000);
    processes.of("b").faults.cut();
    await processes.settle(a.publish(bytesOf("two")));
    await processes.settle(b.publish(bytesOf("from b")));
    await processes.runtime.advance(5_000);
    expect(ofB.heard).toEqual(["one", "from b"]);
    processes.of("b").faults.restore();
    await processes.runtime.advance(10_000);
    expect(ofB.heard).toEqual(["one", "from b", "two"]);
    expect(ofA.heard).toEqual(["one", "two", "from b"]);
    expect(processes.told("send-failed").length).toBeGreaterThan(0);
    await a.close();
    await b.close();
  });

  it("takes a restarted sender for a new member, not for a duplicate", async () => {
    const processes = new Processes();
    const { heard, handler } = listener();
    const b = await open(processes, "b", { handler }, create);
    const first = await open(processes, "a", { boot: "1" }, create);
    await processes.settle(first.publish(bytesOf("first life")));
    await processes.runtime.advance(1_000);
    await first.close();
    const second = await open(processes, "a", { boot: "2" }, create);
    await processes.settle(second.publish(bytesOf("second life")));
    await processes.runtime.advance(2_000);
    expect(heard).toEqual(["first life", "second life"]);
    expect(b.members).toEqual(["a#1", "a#2"]);
    await second.close();
    await b.close();
  });

  it("does not hear nodes that it was not told of, until it is", async () => {
    const processes = new Processes();
    const { heard, handler } = listener();
    const b = await open(processes, "b", { handler, members: ["b"] }, create);
    const stranger = await open(processes, "x", {}, create);
    await processes.settle(stranger.publish(bytesOf("psst")));
    await processes.runtime.advance(3_000);
    expect(heard).toEqual([]);
    b.setMembers(["b", "x"]);
    await processes.runtime.advance(3_000);
    expect(heard).toEqual(["psst"]);
    await b.close();
    await stranger.close();
  });

  it("tells what is lost, and goes on after a skip", async () => {
    const processes = new Processes();
    const { heard, handler } = listener();
    const notices: BroadcastNotice[] = [];
    const onNotice = (notice: BroadcastNotice): void => void notices.push(notice);
    const a = await open(processes, "a", { streams: { logMax: 2 } }, create);
    const b = await open(processes, "b", { handler, onNotice }, create);
    await processes.settle(a.publish(bytesOf("1")));
    await processes.runtime.advance(1_000);
    processes.of("b").faults.cut();
    for (const text of ["2", "3", "4", "5"]) await processes.settle(a.publish(bytesOf(text)));
    processes.of("b").faults.restore();
    await processes.runtime.advance(5_000);
    expect(heard).toEqual(["1"]);
    const lost = notices.find(({ kind }) => kind === "lost");
    expect(lost).toMatchObject({ member: a.self, first: 2, last: 3 });
    expect(processes.told("lost")).toMatchObject([{ group: "g", self: b.self, first: 2 }]);
    b.skip(a.self, 3);
    await processes.runtime.advance(5_000);
    expect(heard).toEqual(["1", "4", "5"]);
    await a.close();
    await b.close();
  });

  it("lets the publisher wait for a slow reader at home, or call it off", async () => {
    const processes = new Processes();
    const a = await open(processes, "a", { maxUnread: 2 }, create);
    await processes.settle(a.publish(bytesOf("1")));
    await processes.settle(a.publish(bytesOf("2")));
    const off = new AbortController();
    const called = a.publish(bytesOf("never"), { signal: off.signal });
    off.abort();
    expect(await codeOf(called)).toEqual(["ABORTED", "none"]);
    const third = a.publish(bytesOf("3"));
    expect(textOf((await a.deliveries.next()).value?.data)).toBe("1");
    expect(await processes.settle(third)).toEqual({ seq: 3 });
    expect(textOf((await a.deliveries.next()).value?.data)).toBe("2");
    expect(textOf((await a.deliveries.next()).value?.data)).toBe("3");
    await a.close();
  });

  it("keeps for others what was sent, whatever readers make of their copies", async () => {
    const processes = new Processes();
    const scribble = ({ data }: { readonly data: Uint8Array }): void => void data.fill(33);
    const { heard, handler } = listener();
    const a = await open(processes, "a", { handler: scribble }, create);
    const b = await open(processes, "b", { handler }, create);
    await processes.runtime.advance(1_000);
    processes.of("b").faults.cut();
    const mine = bytesOf("true");
    await processes.settle(a.publish(mine));
    mine.fill(33);
    processes.of("b").faults.restore();
    await processes.runtime.advance(5_000);
    expect(heard).toEqual(["true"]);
    await a.close();
    await b.close();
  });

  it("keeps no timer, no reader and no publisher waiting after close", async () => {
    const processes = new Processes();
    const a = await open(processes, "a", { maxUnread: 1 }, create);
    await processes.settle(a.publish(bytesOf("1")));
    const waiting = codeOf(a.publish(bytesOf("2")));
    await a.deliveries.next();
    await processes.settle(waiting);
    const reading = a.deliveries.next().then(() => a.deliveries.next());
    await a.close();
    await a.close();
    expect((await reading).done).toBe(true);
    expect(await codeOf(a.publish(bytesOf("late")))).toEqual(["CLOSED", "none"]);
    await processes.of("a").close();
    expect(processes.runtime.pendingTimers).toBe(0);
  });
});

describe("a group's door", () => {
  it("makes a failing handler an event, and goes on", async () => {
    const processes = new Processes();
    const heard: string[] = [];
    const a = await open(processes, "a", {
      handler: ({ data }) => {
        heard.push(textOf(data));
        if (heard.length === 1) throw new Error("mine");
      },
    });
    await processes.settle(a.publish(bytesOf("1")));
    await processes.settle(a.publish(bytesOf("2")));
    await processes.runtime.advance(10);
    expect(heard).toEqual(["1", "2"]);
    expect(processes.told("handler-failed")).toHaveLength(1);
    await a.close();
  });

  it("drops bytes that are no frame, with an event, and hears on", async () => {
    const processes = new Processes();
    const { heard, handler } = listener();
    const a = await open(processes, "a", { handler });
    const { bus } = processes.of("b");
    for (const bytes of [[], [1], [2, 1, 1], [1, 1, 3, 97, 35, 49, 0, 0], [255, 255, 255]]) {
      await processes.settle(bus.publish("g/fifo/all", Uint8Array.from(bytes)));
    }
    await processes.settle(a.publish(bytesOf("fine")));
    await processes.runtime.advance(10);
    expect(processes.told("malformed")).toHaveLength(5);
    expect(heard).toEqual(["fine"]);
    await a.close();
  });

  it.each([
    ["group", { group: "" }],
    ["group", { group: "a//b" }],
    ["group", { group: "x".repeat(300) }],
    ["node", { self: "" }],
    ["boot", { boot: "no/slash" }],
    ["maxUnread", { maxUnread: 0 }],
    ["maxMessageBytes", { maxMessageBytes: 1_000_000 }],
    ["tickMs", { tickMs: -1 }],
    ["members", { members: Array.from({ length: 65 }, (_, at) => `n${at}`) }],
    ["members", { members: [""] }],
    ["handler", { handler: "no" as never }],
    ["logMax", { streams: { logMax: 0 } }],
    ["options.memebrs", { memebrs: [] } as never],
  ])("names %s when it is wrong", async (option, wrong) => {
    const processes = new Processes();
    const error = (await open(processes, "a", wrong).catch((reason: unknown) => reason)) as {
      details: { option: string };
    };
    expect(error.details.option).toBe(option);
    expect(processes.runtime.pendingTimers).toBe(0);
  });

  it("refuses what is too long, and what is no bytes, before anything is sent", async () => {
    const processes = new Processes();
    const a = await open(processes, "a", { maxMessageBytes: 4 });
    expect(await codeOf(a.publish(bytesOf("12345")))).toEqual(["TOO_LARGE", "none"]);
    expect(await codeOf(a.publish("text" as never))).toEqual(["INVALID_ARGUMENT", "none"]);
    expect(await processes.settle(a.publish(bytesOf("1234")))).toEqual({ seq: 1 });
    await a.close();
  });

  it("hears nodes with names that mean something to a bus", async () => {
    const processes = new Processes();
    const names = ["g/fifo/all", "*", ">", "__proto__", "é👋"];
    const ears = names.map(() => listener());
    const groups = [];
    for (const [at, self] of names.entries()) {
      const { runtime } = processes;
      const options = { group: "g", self, members: names, runtime };
      const { handler } = ears[at]!;
      groups.push(
        await processes.settle(
          createFifoBroadcast(processes.of(`p${at}`).bus, { ...options, handler }),
        ),
      );
    }
    processes.of("p1").faults.cut();
    await processes.settle(groups[0]!.publish(bytesOf("hi")));
    processes.of("p1").faults.restore();
    await processes.runtime.advance(5_000);
    for (const { heard } of ears) expect(heard).toEqual(["hi"]);
    for (const group of groups) await group.close();
  });
});
