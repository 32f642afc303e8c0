import { describe, expect, it } from "vitest";

import { bully, type BullyState } from "./bully-machine.ts";
import type { Ballot } from "./ballot.ts";
import type { MachineSettings } from "./machine.ts";
import { MachineWorld, TIMING } from "./machines.fixture.ts";
import { Members } from "./members.ts";

const IDS = ["a", "b", "c", "d", "e"];
const B: MachineSettings = { self: "b", ...TIMING };

/** A world in which all have begun and agreed. */
function settled(): MachineWorld<BullyState> {
  const world = new MachineWorld(bully, IDS);
  world.start(...IDS);
  world.run(1_000);
  return world;
}

function everybody(world: MachineWorld<unknown>, leader: string): Record<string, string> {
  return Object.fromEntries(world.living().map((id) => [id, leader]));
}

/** `b` of a, b, c after it has heard `ballot` of `from`. */
function heard(state: BullyState, from: string, ballot: Ballot, nowMs = 0) {
  return bully.step(B, state, { kind: "heard", from, ballot }, nowMs);
}

function following(leader: string, heardMs: number): BullyState {
  const members = Members.of("b", IDS);
  const phase = { kind: "following", leader, epoch: undefined, heardMs } as const;
  return { members, phase, drainUntilMs: undefined };
}

describe("who leads", () => {
  it("is the greatest of those that begin at once", () => {
    const world = settled();
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("is the next one after a crash, within suspicion and two answers", () => {
    const world = settled();
    world.crash("e");
    world.run(TIMING.suspectAfterMs + 2 * TIMING.answerMs + 10);
    expect(world.hints()).toEqual(everybody(world, "d"));
  });

  it("is the greatest again when it comes back", () => {
    const world = settled();
    world.crash("e");
    world.run(1_000);
    world.start("e");
    world.run(10);
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("is nobody while a leader's silence is suspect and no other has been found", () => {
    const world = settled();
    world.crash("e");
    world.run(TIMING.suspectAfterMs + 1);
    expect(world.leaderOf("a")).toBeUndefined();
  });

  it("is the next one at once when the leader resigns", () => {
    const world = settled();
    world.feed("e", { kind: "stop", resigns: true });
    world.crash("e");
    world.run(TIMING.answerMs + 10);
    expect(world.hints()).toEqual(everybody(world, "d"));
  });

  it("is each side's own under a partition, and one again after it (case 56)", () => {
    const world = settled();
    world.split(["a", "b"], ["c", "d", "e"]);
    world.run(2_000);
    expect(world.hints()).toEqual({ a: "b", b: "b", c: "e", d: "e", e: "e" });
    world.heal();
    world.run(2 * TIMING.heartbeatMs);
    expect(world.hints()).toEqual(everybody(world, "e"));
  });

  it("stays, where one member alone does not hear the leader", () => {
    const world = settled();
    world.split(["a"], ["e"]);
    world.run(3_000);
    for (const id of ["b", "c", "d", "e"]) expect(world.leaderOf(id)).toBe("e");
    expect(world.leaderOf("a")).toBeUndefined();
  });
});

describe("messages", () => {
  it("a COORDINATOR of a lower member begins an election, unless a leader was just heard", () => {
    const word: Ballot = { kind: "coordinator", epoch: undefined };
    const stale = heard(following("e", 0), "a", word, 300);
    expect(stale.state.phase.kind).toBe("asking");
    expect(stale.effects.map((effect) => effect.ballot.kind)).toEqual(Array(3).fill("election"));
    const fresh = heard(following("e", 200), "a", word, 300);
    expect(fresh).toEqual({ state: following("e", 200), effects: [] });
  });

  it("a lower leader is told who leads", () => {
    const world = settled();
    const before = world.sent.get("coordinator") ?? 0;
    world.feed("e", {
      kind: "heard",
      from: "a",
      ballot: { kind: "coordinator", epoch: undefined },
    });
    expect(world.sent.get("coordinator")).toBe(before + 1);
  });

  it("an OK of a lower member, or one that was not asked for, says nothing", () => {
    const asking = bully.step(B, bully.first(Members.of("b", IDS)), { kind: "start" }, 0).state;
    expect(heard(asking, "a", { kind: "ok" }).state).toBe(asking);
    expect(heard(following("e", 0), "d", { kind: "ok" }).state.phase.kind).toBe("following");
    expect(heard(asking, "d", { kind: "ok" }).state.phase.kind).toBe("yielding");
  });

  it("an election of a greater member is not ours to answer", () => {
    const { effects } = heard(following("e", 0), "d", { kind: "election" });
    expect(effects).toEqual([]);
  });

  it("the word of a lower leader does not displace a greater one that is heard", () => {
    const word: Ballot = { kind: "coordinator", epoch: 7 };
    expect(heard(following("e", 0), "d", word, 100).state.phase).toMatchObject({ leader: "e" });
    expect(heard(following("e", 0), "d", word, 400).state.phase).toMatchObject({ leader: "d" });
  });

  it("a crash costs at most n² of them, where all suspect at once", () => {
    const world = settled();
    const before = total(world);
    world.crash("e");
    world.run(TIMING.suspectAfterMs + 2 * TIMING.answerMs);
    expect(total(world) - before).toBeLessThanOrEqual(IDS.length ** 2);
  });

  it("a member that does not take part says nothing", () => {
    const resting = bully.first(Members.of("b", IDS));
    expect(heard(resting, "a", { kind: "election" })).toEqual({ state: resting, effects: [] });
    expect(bully.wakeMs(B, resting)).toBe(Infinity);
  });
});

describe("pauses", () => {
  it("a member that was paused hears what queued up before it accuses", () => {
    const world = settled();
    world.pause("c");
    world.run(5_000);
    const before = world.sent.get("election") ?? 0;
    world.resume("c");
    world.run(1_000);
    expect(world.sent.get("election") ?? 0).toBe(before);
    expect(world.leaderOf("c")).toBe("e");
  });

  it("a member that was paused does accuse when nobody speaks after that", () => {
    const world = settled();
    world.pause("d");
    world.run(100);
    world.crash("e");
    world.run(5_000);
    world.resume("d");
    world.run(TIMING.suspectAfterMs + 2 * TIMING.answerMs + 10);
    expect(world.hints()).toEqual(everybody(world, "d"));
  });

  it("a leader that was paused for too long names nobody at its first line", () => {
    const world = settled();
    world.pause("e");
    world.run(TIMING.suspectAfterMs + TIMING.heartbeatMs);
    expect(world.leaderOf("e")).toBeUndefined();
    world.resume("e");
    world.run(2 * TIMING.answerMs);
    expect(world.hints()).toEqual(everybody(world, "e"));
  });
});

describe("a member whose messages cannot be sent", () => {
  it("does not take the silence for consent", () => {
    const world = settled();
    world.crash("e");
    world.crash("d");
    world.split(["c"], ["a", "b"]);
    for (let turn = 0; turn < 40; turn++) {
      world.run(TIMING.answerMs / 2);
      world.feed("c", { kind: "unsent" });
      if (world.nowMs > 1_000 + TIMING.suspectAfterMs) expect(world.leaderOf("c")).toBeUndefined();
    }
    expect(bully.isElected(world.stateOf("c"))).toBe(false);
  });

  it("does not name itself, and does again when they can be", () => {
    const world = settled();
    world.feed("e", { kind: "unsent" });
    expect(world.leaderOf("e")).toBeUndefined();
    world.feed("e", { kind: "sent" });
    expect(world.leaderOf("e")).toBe("e");
  });
});

describe("members", () => {
  it("a leader that has left the list is followed no more", () => {
    const world = settled();
    world.crash("e");
    for (const id of world.living()) {
      world.feed(id, { kind: "members", members: Members.of(id, ["a", "b", "c", "d"]) });
    }
    world.run(2 * TIMING.answerMs);
    expect(world.hints()).toEqual(everybody(world, "d"));
  });

  it("an epoch is told at once, and with every heartbeat", () => {
    const world = settled();
    world.feed("e", { kind: "epoch", epoch: 17 });
    world.run(5);
    expect(world.stateOf("a").phase).toMatchObject({ leader: "e", epoch: 17 });
    world.run(TIMING.heartbeatMs);
    expect(world.stateOf("a").phase).toMatchObject({ leader: "e", epoch: 17 });
  });
});

function total(world: MachineWorld<BullyState>): number {
  return [...world.sent.values()].reduce((sum, count) => sum + count, 0);
}
