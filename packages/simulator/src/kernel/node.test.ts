import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it } from "vitest";

import { Kernel } from "./kernel.ts";
import type { SimNode } from "./node.ts";
import { pump } from "./pump.fixture.ts";

function world(seed = 1): { kernel: Kernel; node: SimNode } {
  const kernel = new Kernel({ seed });
  return { kernel, node: kernel.addNode("a", "process") };
}

/** A server's timers are exact; those of processes are late by up to a millisecond. */
function server(): { kernel: Kernel; node: SimNode } {
  const kernel = new Kernel({ seed: 1 });
  return { kernel, node: kernel.addNode("s", "server") };
}

describe("a node's timers", () => {
  it("never fire early, and at most a millisecond late", () => {
    const { kernel, node } = world();
    const late: number[] = [];
    for (let index = 0; index < 200; index++) {
      const { time } = node.runtime;
      const start = time.monotonicMs();
      time.setTimer(index, () => late.push(time.monotonicMs() - start - Math.max(1, index)));
    }
    expect(node.pendingTimers).toBe(200);
    pump(kernel, 1_000);
    expect(late).toHaveLength(200);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(-1e-6);
    expect(Math.max(...late)).toBeLessThan(1.01);
    expect(new Set(late.map((ms) => ms.toFixed(3))).size).toBeGreaterThan(100);
    expect(node.pendingTimers).toBe(0);
  });

  it("take at least a millisecond, as in Node: a loop of zero delays does not stop time", () => {
    const { kernel, node } = world();
    let turns = 0;
    const again = (): void => {
      turns += 1;
      node.runtime.time.setTimer(0, again);
    };
    again();
    pump(kernel, 1_000);
    expect(turns).toBeGreaterThan(400);
    expect(turns).toBeLessThan(1_002);
  });

  it("do not fire when cancelled, and take delays without end", () => {
    const { kernel, node } = world();
    const { time } = node.runtime;
    let fired = 0;
    const timer = time.setTimer(5, () => (fired += 1));
    time.setTimer(Infinity, () => (fired += 1)).cancel();
    const far = time.setTimer(1e300, () => (fired += 1));
    timer.cancel();
    timer.cancel();
    pump(kernel, 100);
    expect([fired, node.pendingTimers]).toEqual([0, 1]);
    far.cancel();
    expect(node.pendingTimers).toBe(0);
    expect(() => time.setTimer(Number.NaN, () => {})).toThrow("not a number");
  });

  it("run in the async context in which they were set, as in Node", () => {
    const { kernel, node } = world();
    const context = new AsyncLocalStorage<string>();
    const heard: (string | undefined)[] = [];
    context.run("inside", () => {
      node.runtime.time.setTimer(1, () => heard.push(context.getStore()));
    });
    node.runtime.time.setTimer(1, () => heard.push(context.getStore()));
    pump(kernel, 10);
    expect(heard.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
      "inside",
      undefined,
    ]);
  });
});

describe("a kill", () => {
  it("silences the incarnation: timers, events and sends of it have no effect", () => {
    const { kernel, node } = world();
    const heard: string[] = [];
    kernel.on("x", () => heard.push("event"));
    const old = node.runtime;
    old.time.setTimer(5, () => heard.push("old timer"));
    node.schedule(6_000, "message", () => heard.push("old message"));
    node.kill();
    old.time.setTimer(5, () => heard.push("timer of the dead"));
    old.events.channel("x").publish({});
    node.send(() => heard.push("send of the dead"));
    expect([node.state, node.pendingTimers]).toEqual(["dead", 0]);
    node.restart();
    old.time.setTimer(5, () => heard.push("timer of the dead"));
    pump(kernel, 100);
    expect(heard).toEqual([]);
  });

  it("then a restart makes a new incarnation with a new runtime, its disk kept or wiped", () => {
    const { node } = world();
    node.disk.set("f", new Uint8Array([1]));
    const first = { runtime: node.runtime, draw: node.runtime.random.next() };
    const firstMs = node.runtime.time.monotonicMs();
    node.kill();
    node.restart();
    expect(node.incarnation).toBe(2);
    expect(node.disk.get("f")).toEqual(new Uint8Array([1]));
    expect(node.runtime).not.toBe(first.runtime);
    expect(node.runtime.random.next()).not.toBe(first.draw);
    // Two processes' monotonic clocks have nothing to do with each other.
    expect(Math.abs(node.runtime.time.monotonicMs() - firstMs)).toBeGreaterThan(1);
    node.restart({ disk: "wipe" });
    expect([node.incarnation, node.disk.size]).toEqual([3, 0]);
  });

  it("leaves the clocks of the dead readable, and running: its leases run out, not on", () => {
    const { kernel, node } = world();
    const { time } = node.runtime;
    const before = time.monotonicMs();
    pump(kernel, 100);
    node.restart();
    expect(time.monotonicMs() - before).toBe(100);
    pump(kernel, 400);
    expect(time.monotonicMs() - before).toBe(400);
  });

  it("tells how it ended, once", () => {
    const { node } = world();
    const ends: string[] = [];
    node.onEnd((manner) => ends.push(manner));
    node.onEnd(() => ends.push("off"))();
    node.kill("vanishes");
    node.kill();
    expect(ends).toEqual(["vanishes"]);
  });
});

describe("a pause", () => {
  it("runs due timers before what arrived meanwhile, each in their own order", () => {
    const { kernel, node } = world();
    const order: string[] = [];
    node.schedule(2_000, "message", () => order.push("first message"));
    node.schedule(3_000, "message", () => order.push("second message"));
    node.runtime.time.setTimer(40, () => order.push("later timer"));
    node.runtime.time.setTimer(20, () => order.push("earlier timer"));
    node.runtime.time.setTimer(200, () => order.push("timer after"));
    node.pause(100);
    pump(kernel, 99);
    expect([order, node.state]).toEqual([[], "paused"]);
    pump(kernel, 150);
    const due = ["earlier timer", "later timer"];
    expect(order).toEqual([...due, "first message", "second message"]);
    pump(kernel, 300);
    expect(order.at(-1)).toBe("timer after");
  });

  it("lets the clocks run on", () => {
    const { kernel, node } = world();
    const { time } = node.runtime;
    const before = [time.monotonicMs(), time.wallMs()];
    node.pause(500);
    pump(kernel, 600);
    expect(time.monotonicMs() - before[0]!).toBe(600);
    expect(time.wallMs() - before[1]!).toBe(600);
  });

  it("drops what a due timer cancels, though it had arrived in the pause", () => {
    const { kernel, node } = world();
    const order: string[] = [];
    const second = node.runtime.time.setTimer(30, () => order.push("second"));
    node.runtime.time.setTimer(10, () => {
      order.push("first");
      second.cancel();
    });
    node.pause(100);
    pump(kernel, 200);
    expect([order, node.pendingTimers]).toEqual([["first"], 0]);
  });

  it("is as long as the longest of those that overlap, and ends by resume or kill", () => {
    const { kernel, node } = world();
    node.pause(100);
    node.pause(20);
    pump(kernel, 50);
    expect(node.state).toBe("paused");
    pump(kernel, 101);
    expect(node.state).toBe("running");
    node.pause(20);
    node.pause(100);
    pump(kernel, 150);
    expect(node.state).toBe("paused");
    pump(kernel, 202);
    expect(node.state).toBe("running");
    node.pause();
    pump(kernel, 10_000);
    expect(node.state).toBe("paused");
    node.resume();
    expect(node.state).toBe("running");
    node.pause(10);
    node.restart();
    expect(node.state).toBe("running");
    node.pause(1_000);
    pump(kernel, 10_100);
    // The end of the pause before the restart does not end this one.
    expect(node.state).toBe("paused");
  });

  it("keeps a bounded number of datagrams", () => {
    const { kernel, node } = world();
    let heard = 0;
    node.pause(100);
    for (let index = 0; index < 1_500; index++) node.schedule(1, "datagram", () => (heard += 1));
    pump(kernel, 200);
    expect(heard).toBe(1_000);
    expect(kernel.witness.counts.get("datagram lost at a stopped process")).toBe(500);
  });
});

describe("a pause before the next send", () => {
  it("stops between the code that sends and the message, which leaves when it ends", () => {
    const { kernel, node } = world();
    const left: [string, number][] = [];
    const send = (what: string): void => node.send(() => left.push([what, kernel.nowMs]));
    node.pauseBeforeNextSend(70);
    node.schedule(10_000, "message", () => {
      send("one");
      send("two");
      expect(node.state).toBe("paused");
    });
    pump(kernel, 50);
    expect(left).toEqual([]);
    pump(kernel, 100);
    expect(left).toEqual([
      ["one", 80],
      ["two", 80],
    ]);
    send("three");
    expect(left).toHaveLength(3);
  });

  it("loses the message when the process is killed in it", () => {
    const { kernel, node } = world();
    let left = 0;
    node.pauseBeforeNextSend(70);
    node.send(() => (left += 1));
    node.restart();
    node.pause(10);
    pump(kernel, 100);
    expect([left, node.state]).toEqual([0, "running"]);
  });
});

describe("a machine's sleep", () => {
  it("stands the monotonic clock still, runs the wall's, and makes timers later", () => {
    const { kernel, node } = server();
    const { time } = node.runtime;
    const at: number[] = [];
    const before = [time.monotonicMs(), time.wallMs()];
    time.setTimer(50, () => at.push(kernel.nowMs));
    pump(kernel, 20);
    node.suspend(1_000);
    pump(kernel, 1_020);
    expect(time.monotonicMs() - before[0]!).toBe(20);
    expect(time.wallMs() - before[1]!).toBe(1_020);
    pump(kernel, 2_000);
    expect(at).toEqual([1_050]);
  });

  it("loses datagrams to it, and delays what a connection keeps", () => {
    const { kernel, node } = world();
    const heard: string[] = [];
    node.suspend(100);
    node.schedule(5_000, "datagram", () => heard.push("datagram"));
    node.schedule(5_000, "message", () => heard.push("message"));
    pump(kernel, 200);
    expect(heard).toEqual(["message"]);
  });
});

describe("skew", () => {
  it("sets the wall clock, and leaves timers and the monotonic clock alone", () => {
    const { kernel, node } = server();
    const { time } = node.runtime;
    const before = time.wallMs();
    const at: number[] = [];
    time.setTimer(50, () => at.push(kernel.nowMs));
    node.skew({ jumpMs: -3_600_000 });
    expect(time.wallMs() - before).toBe(-3_600_000);
    pump(kernel, 100);
    expect(at).toEqual([50]);
  });

  it("of rate moves the timers that wait: a fast clock's come sooner, a slow one's later", () => {
    const { kernel, node } = server();
    const at: number[] = [];
    const timer = (ms: number): void =>
      void node.runtime.time.setTimer(ms, () => at.push(kernel.nowMs));
    timer(1_000);
    pump(kernel, 500);
    node.skew({ rate: 2 });
    pump(kernel, 749);
    expect(at).toEqual([]);
    pump(kernel, 751);
    expect(at).toEqual([750]);
    timer(1_000);
    node.skew({ rate: 0.5 });
    pump(kernel, 5_000);
    expect(at[1]).toBeCloseTo(751 + 2_000, 2);
  });

  it("changing again and again fires each timer once, never early by its own clock", () => {
    const { kernel, node } = world();
    const { time } = node.runtime;
    const early: number[] = [];
    let fired = 0;
    for (let index = 1; index <= 300; index++) {
      const due = time.monotonicMs() + index * 10;
      time.setTimer(index * 10, () => {
        fired += 1;
        if (time.monotonicMs() < due - 1e-6) early.push(due);
      });
    }
    for (let turn = 1; turn < 100; turn++) {
      pump(kernel, turn * 40);
      node.skew({ rate: 0.9 + (turn % 7) * 0.03, jumpMs: turn % 2 === 0 ? 500 : -500 });
    }
    pump(kernel, 10_000);
    expect([fired, early]).toEqual([300, []]);
  });
});

describe("a wall clock", () => {
  it("shows milliseconds to a process, microseconds to a server", () => {
    const kernel = new Kernel({ seed: 1, epochMs: 1_000 });
    const process = kernel.addNode("p", "process");
    const store = kernel.addNode("s", "server");
    pump(kernel, 5.678);
    expect(process.runtime.time.wallMs()).toBe(1_005);
    expect(store.runtime.time.wallMs()).toBe(1_005.678);
  });
});
