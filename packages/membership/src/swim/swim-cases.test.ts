/**
 * The hard cases of membership, each in a world of packets with scripted time. Numbers are those of
 * the research's list.
 */
import { describe, expect, it } from "vitest";

import type { MemberChanged } from "../membership.ts";
import { encodePacket } from "./packet.ts";
import { PacketWorld, type WorldNode, type WorldOptions } from "./packet-world.fixture.ts";
import { writeNews } from "./news.ts";

/** A group that knows itself. */
function group(
  count: number,
  options: WorldOptions = {},
): { world: PacketWorld; nodes: WorldNode[] } {
  const world = new PacketWorld(options);
  const nodes = world.startMany(count);
  expect(world.runUntil(() => allSee(nodes, count), 30_000)).toBeLessThan(30_000);
  return { world, nodes };
}

function allSee(nodes: readonly WorldNode[], size: number): boolean {
  return nodes.every(({ isAlive, machine }) => !isAlive || machine.size === size);
}

/** Whether all living ones hold `id` for `state`. */
function allHold(nodes: readonly WorldNode[], id: string, state: string): boolean {
  return nodes.every((node) => {
    return !node.isAlive || node.id === id || node.machine.member(id)?.state === state;
  });
}

/** Every change that any member tells of. */
function changesOf(world: PacketWorld): MemberChanged[] {
  const changes: MemberChanged[] = [];
  world.onEffect = (_node, effect) => {
    if (effect.kind === "changed") changes.push(effect.change);
  };
  return changes;
}

describe("a group", () => {
  it("forms by one seed, and costs each member about two packets a second", () => {
    const { world, nodes } = group(20);
    const before = world.packets;
    world.run(30_000);
    expect((world.packets - before) / 30 / nodes.length).toBeLessThan(2.6);
    expect(allSee(nodes, 20)).toBe(true);
  });

  it("knows of a crash within 15 s, and of a goodbye within one", () => {
    const { world, nodes } = group(20);
    const [leaver, victim] = nodes as [WorldNode, WorldNode];
    world.feed(leaver, { kind: "leave" });
    expect(world.runUntil(() => allHold(nodes, "m0", "left"), 5_000)).toBeLessThanOrEqual(1_000);
    world.crash(leaver);
    world.crash(victim);
    expect(world.runUntil(() => allHold(nodes, "m1", "down"), 30_000)).toBeLessThan(15_000);
    expect(allSee(nodes, 18)).toBe(true);
  });

  it("tells what a member says of itself, and its last word counts", () => {
    const { world, nodes } = group(10);
    world.feed(nodes[3]!, { kind: "update", data: "v1" });
    world.feed(nodes[3]!, { kind: "update", data: "v2" });
    world.run(2_000);
    for (const { machine } of nodes) expect(machine.member("m3")?.data).toBe("v2");
  });

  it("is the same in every run of one seed", () => {
    const run = (): number[] => {
      const { world } = group(10, { seed: 5, lossRate: 0.2 });
      world.run(20_000);
      return [world.packets, world.bytes];
    };
    expect(run()).toEqual(run());
  });
});

describe("memory", () => {
  it("of those that are gone ends for all, though tables are compared all the time", () => {
    const timing = {
      ...new PacketWorld().options.timing,
      forgetAfterMs: 20_000,
      syncIntervalMs: 2_000,
    };
    const { world, nodes } = group(8, { timing, lossRate: 0.1 });
    world.crash(nodes[3]!);
    expect(world.runUntil(() => allHold(nodes, "m3", "down"), 30_000)).toBeLessThan(20_000);
    const late = world.start("late", { seeds: ["at-m0"] });
    const isKnown = (): boolean =>
      [...nodes, late].some(
        ({ isAlive, machine }) => isAlive && machine.member("m3") !== undefined,
      );
    expect(world.runUntil(() => !isKnown(), 120_000)).toBeLessThan(60_000);
    world.run(20_000);
    expect(isKnown()).toBe(false);
  });
});

describe("restarts", () => {
  it("with amnesia, while all hold it dead and its accuser restarted too (31)", () => {
    const { world, nodes } = group(6);
    const [, victim, accuser] = nodes as [WorldNode, WorldNode, WorldNode];
    world.crash(victim);
    world.runUntil(() => allHold(nodes, "m1", "down"), 30_000);
    world.crash(accuser);
    world.run(100);
    // No store, and a clock that begins at zero: both come back as nobody remembers them.
    const again = world.start("m2", { address: "at-m2", seeds: ["at-m0"], incarnation: 1 });
    const risen = world.start("m1", { address: "at-m1", seeds: ["at-m2"], incarnation: 1 });
    const present = [...nodes.filter(({ isAlive }) => isAlive), again, risen];
    const sees = (): boolean => allSee(present, 6) && allHold(present, "m1", "alive");
    expect(world.runUntil(sees, 60_000)).toBeLessThan(10_000);
  });

  it("of all, one after the other: nobody is down in the end (41)", () => {
    const { world, nodes } = group(8);
    const present = [...nodes];
    for (const [index, node] of nodes.entries()) {
      world.crash(node);
      world.run(1_500);
      const seeds = [`at-m${(index + 1) % 8}`, `at-m${(index + 5) % 8}`];
      present[index] = world.start(node.id, { address: `at-${node.id}`, seeds });
      world.run(1_500);
    }
    expect(world.runUntil(() => allSee(present, 8), 30_000)).toBeLessThan(5_000);
  });

  it("at another address is an update at once (35)", () => {
    const { world, nodes } = group(6);
    const changes = changesOf(world);
    world.crash(nodes[2]!);
    world.run(200);
    const moved = world.start("m2", { address: "elsewhere", seeds: ["at-m0"] });
    world.run(2_000);
    for (const node of [...nodes, moved].filter(({ isAlive }) => isAlive)) {
      expect(node.machine.member("m2")).toMatchObject({ state: "alive", address: "elsewhere" });
    }
    expect(changes.filter(({ kind }) => kind === "down")).toEqual([]);
  });
});

describe("two processes with one name (35)", () => {
  it("the one born first is told and stops, all follow the other", () => {
    const { world, nodes } = group(6);
    const stopped: string[] = [];
    world.onEffect = (node, effect) => {
      if (effect.kind === "conflict") stopped.push(`${node.address} for ${effect.address}`);
    };
    const twin = world.start("m2", { address: "elsewhere", seeds: ["at-m0"] });
    world.run(3_000);
    expect(stopped).toEqual(["at-m2 for elsewhere"]);
    world.run(10_000);
    const others = [...nodes.filter(({ id }) => id !== "m2"), twin];
    for (const { machine } of others) {
      expect(machine.member("m2")).toMatchObject({ state: "alive", address: "elsewhere" });
    }
  });
});

describe("partitions", () => {
  it("60 s in halves heals without a new join (32)", () => {
    const { world, nodes } = group(20);
    const isLeft = (address: string): boolean => Number(address.slice(4)) < 10;
    world.isCut = (from, to) => isLeft(from) !== isLeft(to);
    world.run(60_000);
    expect(nodes.map(({ machine }) => machine.size)).toEqual(Array(20).fill(10));
    world.isCut = () => false;
    expect(world.runUntil(() => allSee(nodes, 20), 60_000)).toBeLessThan(20_000);
    const changes = changesOf(world);
    world.run(30_000);
    expect(changes.filter(({ kind }) => kind === "down")).toEqual([]);
  });

  it("heals through a seed when both sides have forgotten each other", () => {
    const timing = { ...new PacketWorld().options.timing, forgetAfterMs: 10_000 };
    const world = new PacketWorld({ timing });
    const seeds = ["at-m0", "at-m3"];
    const nodes = Array.from({ length: 6 }, (_, index) => world.start(`m${index}`, { seeds }));
    world.run(5_000);
    const isLeft = (address: string): boolean => Number(address.slice(4)) < 3;
    world.isCut = (from, to) => isLeft(from) !== isLeft(to);
    world.run(90_000);
    expect(nodes[0]?.machine.member("m5")).toBeUndefined();
    world.isCut = () => false;
    expect(world.runUntil(() => allSee(nodes, 6), 60_000)).toBeLessThan(30_000);
  });

  it("of one way between two members alone convict neither (33)", () => {
    const { world, nodes } = group(10);
    const changes = changesOf(world);
    world.isCut = (from, to) => from === "at-m1" && to === "at-m2";
    world.run(120_000);
    expect(changes).toEqual([]);
    expect(allSee(nodes, 10)).toBe(true);
  });
});

describe("accusations", () => {
  it("of an earlier incarnation do not touch one that was refuted", () => {
    const { world, nodes } = group(8);
    const changes = changesOf(world);
    world.isCut = (from, to) => (from === "at-m1") !== (to === "at-m1");
    world.runUntil(
      () => nodes.some(({ machine }) => machine.member("m1")?.state === "suspect"),
      9_000,
    );
    world.isCut = () => false;
    world.run(60_000);
    expect(changes.filter(({ kind }) => kind === "down")).toEqual([]);
    expect(allHold(nodes, "m1", "alive")).toBe(true);
  });

  it("by a process that stood still: none (28)", () => {
    const { world, nodes } = group(10);
    const changes = changesOf(world);
    for (let round = 0; round < 10; round++) {
      world.stall(nodes[4]!, 1_500 + 200 * round);
      world.run(9_000);
    }
    expect(changes.filter(({ member }) => member.id !== "m4")).toEqual([]);
    expect(changes.filter(({ kind }) => kind === "down")).toEqual([]);
  });
});

describe("a stranger without a seal to break", () => {
  const forged = (
    id: string,
    kind: "alive" | "suspect" | "down",
    incarnation: number,
  ): Uint8Array => {
    const news = writeNews({ kind, id, incarnation, address: "nowhere", data: "", by: "x" });
    return encodePacket({ group: 7, id: "x", address: "nowhere" }, { kind: "gossip", seq: 1 }, [
      news,
    ]);
  };

  it.each(["alive", "suspect", "down"] as const)(
    "a huge incarnation, %s, does no harm (37)",
    (kind) => {
      const { world, nodes } = group(5);
      for (const { address } of nodes) {
        for (const incarnation of [2 ** 48 - 1, 2 ** 32, world.wallMs + 86_400_001]) {
          world.inject(address, forged("m1", kind, incarnation));
        }
      }
      world.run(10_000);
      expect(allSee(nodes, 5)).toBe(true);
      expect(nodes[1]!.machine.self.incarnation).toBeLessThan(world.wallMs + 1_000);
    },
  );

  it.each(["alive", "suspect", "down"] as const)(
    "the greatest believed one, %s, is refuted",
    (kind) => {
      const { world, nodes } = group(5);
      const incarnation = Math.floor(world.wallMs) + 86_400_000;
      for (const { address } of nodes) world.inject(address, forged("m1", kind, incarnation));
      world.run(15_000);
      for (const { machine } of nodes) {
        expect(machine.member("m1")).toMatchObject({ state: "alive", address: "at-m1" });
        expect(machine.size).toBe(5);
      }
    },
  );

  it("cannot make more members than there is room for", () => {
    const world = new PacketWorld();
    const node = world.start("m0", { maxMembers: 50 });
    for (let index = 0; index < 200; index++) {
      world.inject("at-m0", forged(`s${index}`, "alive", 5));
    }
    world.run(10);
    expect(node.machine.size).toBe(51);
  });
});

describe("networks", () => {
  it("leave, then a late alive: it stays left (36)", () => {
    const { world, nodes } = group(6);
    const { incarnation } = nodes[2]!.machine.self;
    world.feed(nodes[2]!, { kind: "leave" });
    world.run(2_000);
    world.crash(nodes[2]!);
    const news = writeNews({
      kind: "alive",
      id: "m2",
      incarnation,
      address: "at-m2",
      data: "",
      by: "",
    });
    const from = { group: 7, id: "m3", address: "at-m3" };
    for (const { address } of nodes) {
      world.inject(address, encodePacket(from, { kind: "gossip", seq: 9 }, [news]));
    }
    world.run(5_000);
    expect(allHold(nodes, "m2", "left")).toBe(true);
  });

  it("that double, reorder and delay packets by a minute (40)", () => {
    const { world, nodes } = group(8, { duplicateRate: 0.3, lateRate: 0.1 });
    const changes = changesOf(world);
    world.run(180_000);
    world.crash(nodes[5]!);
    const known = world.runUntil(() => allHold(nodes, "m5", "down"), 60_000);
    expect(known).toBeLessThan(30_000);
    expect(changes.filter(({ kind, member }) => kind === "down" && member.id !== "m5")).toEqual([]);
    world.run(90_000);
    expect(allHold(nodes, "m5", "down")).toBe(true);
  });

  it("that lose 30 %: nobody healthy is buried in two minutes (39, a slice)", () => {
    const { world, nodes } = group(20, { seed: 3, lossRate: 0.3 });
    const changes = changesOf(world);
    world.run(120_000);
    expect(changes.filter(({ kind }) => kind === "down")).toEqual([]);
    world.crash(nodes[7]!);
    expect(world.runUntil(() => allHold(nodes, "m7", "down"), 60_000)).toBeLessThan(40_000);
  });

  it("100 that join in a second know all within 5 s, in packets of 1400 bytes (38, slice)", () => {
    const world = new PacketWorld();
    const nodes: WorldNode[] = [];
    for (let index = 0; index < 100; index++) {
      const seeds = ["at-m0", "at-m1"];
      world.at((index * 1_000) / 100, () => nodes.push(world.start(`m${index}`, { seeds })));
    }
    world.run(1_000);
    expect(world.runUntil(() => allSee(nodes, 100), 20_000)).toBeLessThan(5_000);
    expect(world.largest).toBeGreaterThan(1_300);
    expect(world.largest).toBeLessThanOrEqual(1_400 - 22);
  });
});
