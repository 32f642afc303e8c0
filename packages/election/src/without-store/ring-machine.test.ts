import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Token } from "./ballot.ts";
import { MachineWorld, TIMING } from "./machines.fixture.ts";
import { Members } from "./members.ts";
import { ring, type RingState } from "./ring-machine.ts";

const IDS = ["c", "a", "e", "b", "d"];

/** A world in which all have begun and agreed. */
function settled(): MachineWorld<RingState> {
  const world = new MachineWorld(ring, IDS);
  world.start(...IDS);
  world.run(1_000);
  return world;
}

function everybody(world: MachineWorld<unknown>, leader: string): Record<string, string> {
  return Object.fromEntries(world.living().map((id) => [id, leader]));
}

/** Candidacies that are sent when all on the ring `ids` begin at once. */
function candidacies(ids: readonly string[]): number {
  // So slow a heart that nothing but the election happens.
  const timing = { heartbeatMs: 1e6, suspectAfterMs: 4e6, answerMs: 1e6 };
  const world = new MachineWorld(ring, ids, timing);
  world.start(...ids);
  world.run(10 * ids.length);
  expect(new Set(Object.values(world.hints())).size).toBe(1);
  expect(world.sent.get("elected")).toBe(ids.length === 1 ? undefined : ids.length);
  return world.sent.get("candidacy") ?? 0;
}

function harmonic(n: number): number {
  return Array.from({ length: n }, (_, index) => 1 / (index + 1)).reduce((a, b) => a + b, 0);
}

function* permutations(ids: readonly string[]): Generator<readonly string[]> {
  if (ids.length <= 1) return yield ids;
  for (const [index, id] of ids.entries()) {
    for (const rest of permutations(ids.toSpliced(index, 1))) yield [id, ...rest];
  }
}

const letters = (n: number): string[] =>
  Array.from({ length: n }, (_, index) => String.fromCodePoint(0x61 + index));

describe("messages of an election that all begin", () => {
  it.each([2, 3, 4, 5])("over all rings of %i members: n·H(n) on average, exactly", (n) => {
    const counts = [...permutations(letters(n))].map(candidacies);
    const average = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(average).toBeCloseTo(n * harmonic(n), 9);
    expect(Math.max(...counts)).toBe((n * (n + 1)) / 2);
    expect(Math.min(...counts)).toBe(2 * n - 1);
  });

  it("over random rings of 16 members: within a twentieth of n·H(n)", () => {
    const random = seededRandom(7);
    const rings = Array.from({ length: 100 }, () => shuffled(letters(16), () => random.next()));
    const average = rings.map(candidacies).reduce((sum, count) => sum + count, 0) / rings.length;
    expect(Math.abs(average / (16 * harmonic(16)) - 1)).toBeLessThan(0.05);
  });

  it("none for a ring of one", () => {
    expect(candidacies(["a"])).toBe(0);
  });
});

describe("who leads", () => {
  it("is the greatest of those that begin at once", () => {
    const world = settled();
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("is the next one after a crash: the ring closes round the dead (case 57)", () => {
    const world = settled();
    world.crash("e");
    world.run(TIMING.suspectAfterMs + 4 * TIMING.answerMs);
    expect(world.hints()).toEqual(everybody(world, "d"));
  });

  it("is found although several successors in a row are dead", () => {
    const world = settled();
    for (const id of ["a", "e", "b"]) world.crash(id);
    world.run(3 * TIMING.suspectAfterMs);
    expect(world.hints()).toEqual({ c: "d", d: "d" });
  });

  it("is the last one, when nobody else is left", () => {
    const world = settled();
    for (const id of ["a", "e", "b", "d"]) world.crash(id);
    world.run(4 * TIMING.suspectAfterMs);
    expect(world.hints()).toEqual({ c: "c" });
  });

  it("is the greatest again when it comes back, though its predecessor had passed it over", () => {
    const world = settled();
    world.crash("e");
    world.run(1_000);
    world.start("e");
    world.run(TIMING.heartbeatMs);
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("is each side's own under a partition, and one again after it", () => {
    const world = settled();
    world.split(["a", "b", "c"], ["d", "e"]);
    world.run(4_000);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c", d: "e", e: "e" });
    world.heal();
    world.run(4 * TIMING.suspectAfterMs);
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("stays the leader when a lower one comes back, without another election", () => {
    const world = settled();
    world.crash("a");
    world.run(2_000);
    const before = world.sent.get("candidacy") ?? 0;
    world.start("a");
    world.run(10);
    expect(world.hints()).toEqual(everybody(world, "e"));
    expect((world.sent.get("candidacy") ?? 0) - before).toBeLessThanOrEqual(2);
  });

  it("is the next one at once when the leader resigns", () => {
    const world = settled();
    world.feed("e", { kind: "stop", resigns: true });
    world.crash("e");
    world.run(2 * TIMING.answerMs);
    expect(world.hints()).toEqual(everybody(world, "d"));
  });
});

describe("tokens", () => {
  const token = (member: string, hops: number): Token => ({
    kind: "candidacy",
    member,
    hops,
    seq: 1,
    epoch: undefined,
  });

  it("one that has gone round without meeting its owner stops", () => {
    const settings = { self: "c", ...TIMING };
    const { state } = ring.step(settings, ring.first(Members.of("c", IDS)), { kind: "start" }, 0);
    const passed = (hops: number): readonly string[] => {
      const input = { kind: "heard", from: "d", ballot: token("e", hops) } as const;
      return ring.step(settings, state, input, 1).effects.map(({ ballot }) => ballot.kind);
    };
    expect(passed(4)).toEqual(["ack", "candidacy"]);
    expect(passed(5)).toEqual(["ack"]);
  });

  it("one about a stranger stops at once", () => {
    const settings = { self: "c", ...TIMING };
    const { state } = ring.step(settings, ring.first(Members.of("c", IDS)), { kind: "start" }, 0);
    const input = { kind: "heard", from: "d", ballot: token("z", 1) } as const;
    const { effects } = ring.step(settings, state, input, 1);
    expect(effects.map(({ ballot }) => ballot.kind)).toEqual(["ack"]);
  });

  it("one of an earlier life, come home, makes nobody a leader", () => {
    const world = settled();
    world.feed("d", { kind: "heard", from: "b", ballot: token("d", 5) });
    expect(world.leaderOf("d")).toBe("e");
  });

  it("those that wait for an acknowledgement are bounded", () => {
    const settings = { self: "c", ...TIMING, answerMs: 1e6 };
    let { state } = ring.step(settings, ring.first(Members.of("c", IDS)), { kind: "start" }, 0);
    for (let turn = 0; turn < 100; turn++) {
      const input = { kind: "heard", from: "d", ballot: token("e", 1) } as const;
      state = ring.step(settings, state, input, turn).state;
    }
    expect(state.links.pending).toHaveLength(16);
  });
});

describe("pauses and silence of one's own", () => {
  it("a member that was paused hears what queued up before it passes anybody over", () => {
    const world = settled();
    world.pause("a");
    world.run(5_000);
    world.resume("a");
    world.run(2_000);
    expect(world.stateOf("a").links.silent.size).toBe(0);
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("a leader that was paused for too long names nobody at its first line", () => {
    const world = settled();
    world.pause("e");
    world.run(TIMING.suspectAfterMs + TIMING.heartbeatMs);
    expect(world.leaderOf("e")).toBeUndefined();
  });

  it("a member whose tokens cannot be sent passes nobody over and wins nothing", () => {
    const world = settled();
    world.split(["d"], ["a", "b", "c", "e"]);
    for (let turn = 0; turn < 200; turn++) {
      world.run(TIMING.answerMs / 5);
      world.feed("d", { kind: "unsent" });
    }
    expect(world.leaderOf("d")).toBeUndefined();
    expect(world.stateOf("d").links.silent.size).toBe(0);
  });
});

function shuffled(ids: readonly string[], next: () => number): string[] {
  const keyed = ids.map((id) => [next(), id] as const);
  return keyed.toSorted(([a], [b]) => a - b).map(([, id]) => id);
}
