import type { Wire } from "@quorate/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Kernel } from "./kernel.ts";
import type { SimNode } from "./node.ts";
import { pump } from "./pump.fixture.ts";
import { MAX_UNDER_WAY } from "./stream-half.ts";
import { KEEP_ALIVE_MS } from "./stream-wire.ts";

interface Connected {
  readonly kernel: Kernel;
  readonly process: SimNode;
  readonly store: SimNode;
  readonly wire: Wire;
  /** What arrived where, with its time. */
  readonly heard: string[];
  ask(what: string): void;
  answer(what: string): void;
}

function connect(seed = 1): Connected {
  const kernel = new Kernel({ seed });
  const process = kernel.addNode("p", "process");
  const store = kernel.addNode("s", "server");
  const wire = kernel.network.wire(process, store);
  const heard: string[] = [];
  wire.onReset((end) => heard.push(`${end} hears of a reset`));
  return {
    kernel,
    process,
    store,
    wire,
    heard,
    ask: (what) => wire.toStore(() => heard.push(what)),
    answer: (what) => wire.toProcess(() => heard.push(what)),
  };
}

describe("a stream", () => {
  it("takes the network's time, and is never there in the sender's turn", () => {
    const { kernel, ask, heard } = connect();
    kernel.network.setConditions({ minDelayMs: 5, maxDelayMs: 6 });
    ask("a");
    expect(heard).toEqual([]);
    pump(kernel, 4.9);
    expect(heard).toEqual([]);
    pump(kernel, 6.1);
    expect(heard).toEqual(["a"]);
  });

  it("delivers in order, each once, whatever delays, losses and partitions do", () => {
    const step = fc.record({
      send: fc.constantFrom("ask", "answer"),
      waitMs: fc.nat(300),
      fault: fc.constantFrom("none", "none", "cut", "heal", "pause", "slow"),
    });
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { maxLength: 60 }), (seed, steps) => {
        const { kernel, process, store, wire } = connect(seed);
        kernel.network.setConditions({ lossRate: 0.3, spikeRate: 0.3, maxDelayMs: 100 });
        const arrived = { ask: [] as number[], answer: [] as number[] };
        let nowMs = 0;
        steps.forEach(({ send, waitMs, fault }, index) => {
          if (send === "ask") wire.toStore(() => arrived.ask.push(index));
          else wire.toProcess(() => arrived.answer.push(index));
          if (fault === "cut") kernel.network.partition(["p"], ["s"], { oneWay: index % 2 === 0 });
          else if (fault === "heal") kernel.network.heal();
          else if (fault === "pause") (index % 2 === 0 ? process : store).pause(200);
          else if (fault === "slow") kernel.network.disturb({ maxDelayMs: 500 }, { from: ["s"] });
          nowMs += waitMs;
          pump(kernel, nowMs);
        });
        kernel.network.heal();
        pump(kernel, nowMs + 1_000_000);
        const sent = (kind: string): number[] =>
          steps.flatMap(({ send }, index) => (send === kind ? [index] : []));
        expect(arrived).toEqual({ ask: sent("ask"), answer: sent("answer") });
      }),
      { numRuns: 200 },
    );
  });

  it("loses nothing to a lossy network, only time", () => {
    const { kernel, ask, heard } = connect();
    kernel.network.setConditions({ lossRate: 1 });
    ask("a");
    pump(kernel, 200);
    expect(heard).toEqual([]);
    pump(kernel, 60_000);
    expect(heard).toEqual(["a"]);
  });

  it("waits out a partition, in both directions, also for what was on its way", () => {
    const { kernel, ask, answer, heard } = connect();
    ask("on its way");
    const cut = kernel.network.partition(["p"], ["s"]);
    ask("asked");
    answer("answered");
    pump(kernel, 60_000);
    expect(heard).toEqual([]);
    cut.heal();
    cut.heal();
    pump(kernel, 61_000);
    expect([...heard].sort()).toEqual(["answered", "asked", "on its way"]);
    expect(heard.indexOf("on its way")).toBeLessThan(heard.indexOf("asked"));
  });

  it("may be cut one way: requests arrive, answers wait", () => {
    const { kernel, ask, answer, heard } = connect();
    kernel.network.partition(["s"], ["p"], { oneWay: true });
    ask("asked");
    answer("answered");
    pump(kernel, 1_000);
    expect(heard).toEqual(["asked"]);
  });

  it("when reset loses what is on its way, tells both ends, and starts anew", () => {
    const { kernel, ask, heard } = connect();
    ask("lost");
    kernel.network.reset("p", "s");
    ask("new");
    pump(kernel, 1_000);
    const told = ["process hears of a reset", "store hears of a reset"];
    expect([...heard].sort()).toEqual(["new", ...told]);
  });

  it("when half open swallows everything both ways until it is found out", () => {
    const { kernel, ask, answer, heard } = connect();
    ask("before");
    kernel.network.halfOpen("p", undefined, 5_000);
    ask("swallowed");
    answer("swallowed too");
    pump(kernel, 4_999);
    ask("as well");
    expect(heard).toEqual([]);
    pump(kernel, 6_000);
    expect([...heard].sort()).toEqual(["process hears of a reset", "store hears of a reset"]);
    ask("again");
    pump(kernel, 7_000);
    expect(heard).toContain("again");
  });

  it("of a killed process delivers what it had sent, then its end; nothing reaches it", () => {
    const { kernel, process, ask, answer, heard } = connect();
    ask("last words");
    answer("to nobody");
    process.kill();
    ask("of the dead");
    answer("to the dead");
    pump(kernel, 1_000);
    expect(heard).toEqual(["last words", "store hears of a reset"]);
    process.restart();
    ask("of an earlier incarnation");
    answer("to an earlier incarnation");
    pump(kernel, 2_000);
    expect(heard).toHaveLength(2);
  });

  it("of a vanished machine tells the store by its keep-alive alone", () => {
    const { kernel, process, ask, heard } = connect();
    ask("lost with the machine");
    process.kill("vanishes");
    pump(kernel, KEEP_ALIVE_MS - 1);
    expect(heard).toEqual([]);
    pump(kernel, KEEP_ALIVE_MS + 1);
    expect(heard).toEqual(["store hears of a reset"]);
  });

  it("to a killed store is refused, and works again after its restart", () => {
    const { kernel, store, ask, answer, heard } = connect();
    answer("last words");
    ask("lost with the store");
    store.kill();
    pump(kernel, 100);
    expect(heard).toEqual(["last words", "process hears of a reset"]);
    ask("refused");
    ask("refused too");
    pump(kernel, 200);
    expect(heard.slice(2)).toEqual(["process hears of a reset"]);
    store.restart();
    ask("heard");
    pump(kernel, 300);
    expect(heard.at(-1)).toBe("heard");
  });

  it("breaks rather than keep more than its bound", () => {
    const { kernel, ask, heard } = connect();
    kernel.network.partition(["p"], ["s"]);
    for (let index = 0; index <= MAX_UNDER_WAY; index++) ask("x");
    kernel.network.heal();
    pump(kernel, 10_000);
    expect([...heard].sort()).toEqual(["process hears of a reset", "store hears of a reset"]);
  });

  it("draws the same delays whether or not a fault was there before", () => {
    const arrivals = (withFault: boolean): number[] => {
      const { kernel, wire } = connect(5);
      const at: number[] = [];
      if (withFault) kernel.network.partition(["p"], ["s"]).heal();
      for (let index = 0; index < 20; index++) wire.toStore(() => at.push(kernel.nowMs));
      pump(kernel, 1_000);
      return at;
    };
    expect(arrivals(true)).toEqual(arrivals(false));
  });
});

describe("datagrams", () => {
  function pair(): { kernel: Kernel; a: SimNode; b: SimNode; heard: number[] } {
    const kernel = new Kernel({ seed: 3 });
    const [a, b] = [kernel.addNode("a", "process"), kernel.addNode("b", "process")];
    const heard: number[] = [];
    kernel.network.bind(b, (from, data) => {
      expect(from).toBe("a");
      heard.push(data[0] ?? -1);
    });
    return { kernel, a, b, heard };
  }
  const send = (kernel: Kernel, from: SimNode, to: string, count: number): void => {
    for (let index = 0; index < count; index++) {
      kernel.network.send(from, to, Uint8Array.of(index));
    }
  };

  it("arrive, with bytes of the receiver's own", () => {
    const { kernel, a, heard } = pair();
    const bytes = Uint8Array.of(7);
    kernel.network.send(a, "b", bytes);
    bytes[0] = 8;
    pump(kernel, 10);
    expect(heard).toEqual([7]);
  });

  it("are lost, doubled and overtaken in the shares that were asked for", () => {
    const { kernel, a, heard } = pair();
    kernel.network.setConditions({ lossRate: 0.2, duplicateRate: 0.1 });
    send(kernel, a, "b", 250);
    pump(kernel, 1_000);
    const arrived = new Set(heard);
    expect(arrived.size).toBeGreaterThan(170);
    expect(arrived.size).toBeLessThan(230);
    expect(heard.length - arrived.size).toBeGreaterThan(8);
    expect(heard.length - arrived.size).toBeLessThan(45);
    expect(heard).not.toEqual([...heard].sort((x, y) => x - y));
  });

  it("are lost at a partition, one way if it is one way", () => {
    const { kernel, a, b, heard } = pair();
    let back = 0;
    kernel.network.bind(a, () => (back += 1));
    const cut = kernel.network.partition(["a"], ["b"], { oneWay: true });
    send(kernel, a, "b", 5);
    send(kernel, b, "a", 5);
    pump(kernel, 100);
    expect([heard.length, back]).toEqual([0, 5]);
    cut.heal();
    send(kernel, a, "b", 5);
    pump(kernel, 200);
    expect(heard).toHaveLength(5);
  });

  it("to nobody, to the dead and to the deaf are lost without a word", () => {
    const { kernel, a, b, heard } = pair();
    send(kernel, a, "nobody", 1);
    send(kernel, a, "b", 1);
    b.kill();
    pump(kernel, 10);
    b.restart();
    expect(kernel.network.isBound(b)).toBe(false);
    send(kernel, a, "b", 1);
    pump(kernel, 20);
    expect(heard).toEqual([]);
    expect(kernel.witness.counts.get("datagram to nobody")).toBe(1);
  });

  it("sent to one incarnation reach the next, if it listens by then", () => {
    const { kernel, a, b } = pair();
    const heard: number[] = [];
    kernel.network.setConditions({ minDelayMs: 50, maxDelayMs: 60 });
    send(kernel, a, "b", 1);
    pump(kernel, 10);
    b.restart();
    kernel.network.bind(b, (_from, data) => heard.push(data[0] ?? -1));
    pump(kernel, 100);
    expect(heard).toEqual([0]);
  });

  it("are slow around a node that is disturbed, and only there", () => {
    const { kernel, a, b, heard } = pair();
    const trouble = kernel.network.disturb({ minDelayMs: 500, maxDelayMs: 600 }, { from: ["a"] });
    let back = 0;
    kernel.network.bind(a, () => (back += 1));
    send(kernel, a, "b", 1);
    send(kernel, b, "a", 1);
    pump(kernel, 400);
    expect([heard.length, back]).toEqual([0, 1]);
    trouble.heal();
    pump(kernel, 700);
    send(kernel, a, "b", 1);
    pump(kernel, 710);
    expect(heard).toHaveLength(2);
  });
});

describe("conditions", () => {
  it("that cannot be are refused by name", () => {
    const { network } = new Kernel({ seed: 1 });
    expect(() => network.setConditions({ lossRate: 1.5 })).toThrow("lossRate");
    expect(() => network.setConditions({ minDelayMs: 9, maxDelayMs: 3 })).toThrow("maxDelayMs");
    expect(() => network.disturb({ spikeMs: -1 })).toThrow("spikeMs");
  });
});
