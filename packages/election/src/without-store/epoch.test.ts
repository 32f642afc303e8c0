import { afterEach, describe, expect, it } from "vitest";

import { MAKERS, MembersWorld, TIMING } from "./members-world.fixture.ts";

let world: MembersWorld;
afterEach(() => world.close());

describe.each(MAKERS)("%s with epochs", (_name, make) => {
  async function settled(): Promise<MembersWorld> {
    world = new MembersWorld(make);
    for (const id of world.ids) await world.start(id, { epochs: true });
    await world.runtime.advance(2_000);
    return world;
  }

  /** Members that hold an epoch. */
  const holders = (): string[] =>
    [...world.members].filter(([, { election }]) => election.epoch !== undefined).map(([id]) => id);

  it("the leader holds an epoch, and all know its token", async () => {
    await settled();
    expect(holders()).toEqual(["c"]);
    const epoch = world.members.get("c")?.election.epoch;
    expect(epoch?.check()).toBe(epoch?.fencingToken);
    for (const { election } of world.members.values()) {
      expect(election.hint.epoch).toBe(epoch?.fencingToken);
    }
  });

  it("two hints under a partition, one epoch holder (case 56)", async () => {
    await settled();
    const first = world.members.get("c")?.election.epoch?.fencingToken ?? 0;
    world.side.set("c", 1);
    await world.runtime.advance(5_000);
    expect(world.members.get("c")?.election.leader).toBe("c");
    expect(world.members.get("a")?.election.leader).toBe("b");
    // b has been elected on its side, has no epoch, and so does not believe.
    expect(world.members.get("b")?.election.leader).toBeUndefined();
    expect(holders()).toEqual(["c"]);
    expect(world.members.get("c")?.election.epoch?.fencingToken).toBe(first);
    world.side.clear();
    await world.runtime.advance(5_000);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
  });

  it("the next token is greater, and comes at once from a leader that closes", async () => {
    await settled();
    const first = world.members.get("c")?.election.epoch?.fencingToken ?? Infinity;
    const closing = world.members.get("c")?.election.close();
    await world.runtime.advance(4 * TIMING.answerMs);
    await closing;
    expect(holders()).toEqual(["b"]);
    expect(world.members.get("b")?.election.epoch?.fencingToken).toBeGreaterThan(first);
  });

  it("a leader that was paused beyond its lease has lost it at its first line", async () => {
    await settled();
    const { election, pause, resume } = world.members.get("c") ?? expect.fail();
    const { epoch } = election;
    pause();
    await world.runtime.advance(3_000);
    expect(holders()).toEqual(["b"]);
    expect(() => epoch?.check()).toThrow(/LOCK_LOST/);
    resume();
    await world.runtime.advance(100);
    expect(epoch?.signal.aborted).toBe(true);
    await world.runtime.advance(5_000);
    expect(holders()).toEqual(["c"]); // Elected again, by a newer epoch.
    expect(election.epoch?.fencingToken).toBeGreaterThan(epoch?.fencingToken ?? Infinity);
  });

  it("a store that does not answer makes no leader, and is told", async () => {
    await settled();
    for (const { backend } of world.members.values()) backend.faults.cut();
    await world.runtime.advance(3_000);
    expect(holders()).toEqual([]);
    for (const { backend } of world.members.values()) backend.faults.restore();
    await world.runtime.advance(6_000);
    expect(holders()).toEqual(["c"]);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
  });
});
