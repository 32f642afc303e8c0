import { afterEach, describe, expect, it } from "vitest";

import { writeBallot } from "./ballot.ts";
import { MAKERS, MembersWorld, TIMING } from "./members-world.fixture.ts";

let world: MembersWorld;
afterEach(() => world.close());

describe.each(MAKERS)("%s", (name, make) => {
  /** a, b and c, agreed. */
  async function settled(): Promise<MembersWorld> {
    world = new MembersWorld(make);
    for (const id of world.ids) await world.start(id);
    await world.runtime.advance(1_000);
    return world;
  }

  it("names the greatest at all members", async () => {
    await settled();
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
    expect(world.members.get("a")?.election.hint).toEqual({
      leader: "c",
      isSelf: false,
      epoch: undefined,
    });
    expect(world.members.get("c")?.election.hint.isSelf).toBe(true);
  });

  it("names the next one when the leader closes, and leaves no timer behind", async () => {
    await settled();
    const closing = world.members.get("c")?.election.close();
    await world.runtime.advance(2 * TIMING.answerMs);
    await closing;
    expect(world.hints()).toEqual({ a: "b", b: "b", c: undefined });
    for (const id of ["a", "b"]) {
      const ending = world.members.get(id)?.election.close();
      await world.runtime.advance(TIMING.answerMs);
      await ending;
    }
    expect(world.runtime.pendingTimers).toBe(0);
  });

  it("names one leader on each side of a partition, and one after it", async () => {
    await settled();
    world.side.set("c", 1);
    await world.runtime.advance(3_000);
    expect(world.hints()).toEqual({ a: "b", b: "b", c: "c" });
    world.side.clear();
    await world.runtime.advance(4_000);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
  });

  it("names nobody at the first line after a pause that was too long", async () => {
    await settled();
    world.members.get("c")?.pause();
    await world.runtime.advance(2_000);
    expect(world.hints()).toEqual({ a: "b", b: "b", c: undefined });
    world.members.get("c")?.resume();
    await world.runtime.advance(4_000);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
  });

  it("does not believe itself while the bus takes nothing", async () => {
    await settled();
    world.members.get("b")?.backend.faults.cut();
    await world.runtime.advance(4_000);
    expect(world.hints()).toEqual({ a: "c", b: undefined, c: "c" });
    const failed = { algorithm: name, self: "b", operation: "publish" };
    expect(world.events("hint.failed")[0]).toMatchObject(failed);
    world.members.get("b")?.backend.faults.restore();
    await world.runtime.advance(4_000);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
  });

  it("tells observers the hint now and each later one, until it closes", async () => {
    await settled();
    const election = world.members.get("a")?.election;
    const seen: (string | undefined)[] = [];
    const watching = (async () => {
      for await (const { leader } of election?.observe() ?? []) seen.push(leader);
    })();
    await world.runtime.advance(10);
    world.side.set("c", 1);
    await world.runtime.advance(3_000);
    const closing = election?.close();
    await world.runtime.advance(TIMING.answerMs);
    await Promise.all([closing, watching]);
    expect(seen[0]).toBe("c");
    expect(seen).toContain("b");
    const changed = { algorithm: name, election: "job", self: "a", leader: "b" };
    expect(world.events("hint.changed")).toContainEqual(expect.objectContaining(changed));
  });

  it("ends an observation by its signal, and at once after close", async () => {
    await settled();
    const { election } = world.members.get("a") ?? expect.fail();
    const controller = new AbortController();
    const feed = election.observe({ signal: controller.signal });
    await feed.next();
    controller.abort(new Error("enough"));
    await expect(feed.next()).rejects.toThrow("enough");
    const closing = election.close();
    await world.runtime.advance(TIMING.answerMs);
    await closing;
    expect(await election.observe().next()).toEqual({ done: true, value: undefined });
    await expect(election.start()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("ignores strangers and what cannot be read, and says so", async () => {
    await settled();
    const { backend } = world.members.get("a") ?? expect.fail();
    const forged = writeBallot({ from: "z", life: "1", ballot: { kind: "election" } });
    await backend.bus.publish(`elections/${name}/job/all`, forged);
    await backend.bus.publish(`elections/${name}/job/all`, new Uint8Array(5_000));
    await world.runtime.advance(10);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
    const why = world.events("hint.ignored").map((event) => (event as { why: string }).why);
    expect(why).toEqual([...Array(3).fill("stranger"), ...Array(3).fill("unreadable")]);
  });

  it("of two processes with one id the one born later goes on (case 57)", async () => {
    await settled();
    const first = world.members.get("c")?.election;
    const second = await world.start("c");
    await world.runtime.advance(2_000);
    expect(first?.leader).toBeUndefined();
    expect(second.election.leader).toBe("c");
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
    expect(world.events("hint.namesake")).toContainEqual(
      expect.objectContaining({ self: "c", abstains: true }),
    );
    const closing = second.election.close();
    await world.runtime.advance(3_000);
    await closing;
    expect(first?.leader).toBe("c"); // The other is heard no more.
    const ending = first?.close();
    await world.runtime.advance(TIMING.answerMs);
    await ending;
  });

  it("follows a provider's list, and ignores a bad one", async () => {
    let list: readonly string[] = ["a", "b", "c"];
    world = new MembersWorld(make);
    for (const id of world.ids) await world.start(id, { members: () => list });
    await world.runtime.advance(1_000);
    list = ["a", "b", "b"];
    await world.runtime.advance(1_000);
    expect(world.hints()).toEqual({ a: "c", b: "c", c: "c" });
    expect(world.events("hint.ignored")).toContainEqual(
      expect.objectContaining({ why: "members" }),
    );
    list = ["a", "b"];
    await world.runtime.advance(2_000);
    expect(world.members.get("a")?.election.leader).toBe("b");
  });
});

describe("options", () => {
  it.each(MAKERS)("%s refuses a bad one by name, at once", async (_name, make) => {
    world = new MembersWorld(make);
    const { backend } = await world.start("a");
    const good = { self: "a", members: ["a", "b"] };
    const bad = [
      { ...good, self: "z" },
      { ...good, members: ["a", "a"] },
      { ...good, heartBeatMs: 5 },
      { ...good, suspectAfterMs: 1 },
      { ...good, epochs: {} },
      { ...good, epochTtlMs: 1 },
    ];
    for (const options of bad) {
      expect(() => make(backend, "job", options as never)).toThrow(/INVALID_ARGUMENT/);
    }
    expect(() => make({} as never, "job", good)).toThrow(/backend/);
    expect(() => make(backend, "a//b", good)).toThrow(/name/);
    expect(() => make(backend, `${"x".repeat(100)}/`.repeat(4) + "y", good)).toThrow(/TOO_LARGE/);
  });

  it("a start that failed can be tried again", async () => {
    world = new MembersWorld(MAKERS[0]?.[1] ?? expect.fail());
    const { backend } = await world.start("b");
    const [, make] = MAKERS[0] ?? expect.fail();
    const election = make(backend, "other", { self: "a", members: ["a"] });
    backend.faults.cut();
    const starting = election.start().catch((error: unknown) => error);
    await world.runtime.advance(1_000);
    expect(await starting).toMatchObject({ name: "QuorateError" });
    backend.faults.restore();
    await world.runtime.advance(1_000);
    const again = election.start();
    await world.runtime.advance(10);
    await again;
    expect(election.leader).toBe("a");
    const closing = election.close();
    await world.runtime.advance(1_000);
    await closing;
  });
});
