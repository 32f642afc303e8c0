import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { GroupWorld, type Process, record, viewOf } from "./world.fixture.ts";
import { type BeatMessage, readMessage, writeMessage } from "./wire.ts";

let world: GroupWorld;
let a: Process;
let b: Process;
beforeEach(async () => {
  world = new GroupWorld();
  [a, b] = (await world.group("a", "b")) as [Process, Process];
});
afterEach(() => world.close());

const BEAT = {
  v: 1,
  ...{ kind: "beat", id: "x", incarnation: 1, life: "1", seq: 1, revision: 0, data: "" },
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A heartbeat that pretends to be of `id`. */
function beatOf(id: string, facts: Partial<BeatMessage> = {}): BeatMessage {
  const incarnation = world.runtime.time.wallMs();
  return { kind: "beat", id, incarnation, life: "0", seq: 1, revision: 0, data: "", ...facts };
}

describe("messages that nobody of us sent", () => {
  it.each([
    ["no JSON", "{"],
    ["another version", '{"v":2,"kind":"ping"}'],
    ["an array", "[1]"],
    ["an unknown kind", '{"v":1,"kind":"toString"}'],
    ["no life", { ...BEAT, life: undefined }],
    ["a path for an id", { ...BEAT, id: "../x/y" }],
    ["a fraction", { ...BEAT, incarnation: 1.5 }],
    ["too much to say", { ...BEAT, data: "x".repeat(1_025) }],
    ["a question to all", '{"v":1,"kind":"ping"}'],
    ["nothing but length", "x".repeat(10_000)],
  ])("are dropped and counted: %s", async (_name, said) => {
    await world.forge(bytes(typeof said === "string" ? said : JSON.stringify(said)));
    expect(a.members.dropped.unreadable).toBe(1);
    expect(viewOf(a)).toEqual({ a: "alive", b: "alive" });
  });

  it("have a member called __proto__ like any other", async () => {
    await world.forge(beatOf("__proto__"));
    expect(a.members.member("__proto__")?.state).toBe("alive");
    expect(a.members.member("constructor")).toBeUndefined();
  });

  it("cannot claim an incarnation of next week (case 37)", async () => {
    const incarnation = world.runtime.time.wallMs() + 7 * 86_400_000;
    await world.forge(beatOf("b", { incarnation }));
    await world.forge({ kind: "bye", id: "b", incarnation, life: "0" });
    expect(a.members.dropped.implausible).toBe(2);
    expect(viewOf(a)["b"]).toBe("alive");
  });

  it("cannot fill the group", async () => {
    for (let stranger = 0; stranger < 100; stranger++) await world.forge(beatOf(`s${stranger}`));
    expect(a.members.members.length).toBe(65);
    expect(a.members.dropped.full).toBe(37);
    expect(a.members.member("b")?.state).toBe("alive");
  });

  it("cannot make a member's true heartbeats look late by a forged number", async () => {
    const words = record(a.members.watch());
    const { incarnation } = b.members.self!;
    await world.runtime.advance(500);
    const life = lifeOf("b");
    await world.forge(beatOf("b", { incarnation, life, seq: Number.MAX_SAFE_INTEGER }));
    expect(a.members.dropped.implausible).toBe(1);
    // Near enough to be believed: then what goes on at the usual pace is believed again.
    await world.forge(beatOf("b", { incarnation, life, seq: 90 }));
    await world.runtime.advance(20_000);
    expect(viewOf(a)["b"]).toBe("alive");
    expect(words).not.toContain("down b");
  });

  it("cannot silence a member by one heartbeat in its name", async () => {
    await world.forge(beatOf("b", { incarnation: world.runtime.time.wallMs() + 60_000 }));
    await world.runtime.advance(10_000);
    expect(b.members.self?.state).toBe("alive");
    expect(viewOf(a)["b"]).toBe("alive");
    expect(a.members.member("b")!.incarnation).toBe(b.members.self!.incarnation);
  });

  it("that come twice, or late after a goodbye, count for nothing (cases 36, 40)", async () => {
    const late = beatOf("b", { ...b.members.self!, life: lifeOf("b"), seq: 60 });
    const leaving = b.members.leave();
    await world.runtime.advance(1);
    await leaving;
    await world.forge(late);
    expect(viewOf(a)["b"]).toBe("left");
    expect(a.members.dropped.repeated).toBe(1);
  });
});

describe("two processes under one name", () => {
  it("the second is refused while the first answers", async () => {
    const second = world.make("b");
    const starting = second.members.start();
    starting.catch(() => {});
    await world.runtime.advance(10);
    await expect(starting).rejects.toMatchObject({
      code: "MEMBER_CONFLICT",
      effect: "none",
      details: { member: "b" },
    });
    expect(viewOf(a)["b"]).toBe("alive");
  });

  it("that find one another later, the one born later goes on, and both are told", async () => {
    b.pause();
    await world.runtime.advance(10_000);
    const later = await world.start("b");
    b.resume();
    await world.runtime.advance(10_000);
    expect(b.members.self).toBeUndefined();
    expect(later.members.self?.state).toBe("alive");
    expect(viewOf(a)["b"]).toBe("alive");
    expect(viewOf(b)["b"]).toBe("alive");
    expect(a.members.member("b")!.incarnation).toBe(later.members.self!.incarnation);
    const outcomes = world.events("membership.conflict").map((event) => {
      return (event as { outcome: string }).outcome;
    });
    expect(outcomes.sort()).toEqual(["goes-on", "stands-aside"]);
    await expect(b.members.update("x")).rejects.toMatchObject({ code: "MEMBER_CONFLICT" });
    const leaving = b.members.leave();
    await world.runtime.advance(1_000);
    await leaving;
    expect(viewOf(a)["b"]).toBe("alive");
  });
});

describe("an onlooker", () => {
  it("sees the members and is none", async () => {
    const onlooker = await world.start(undefined);
    await world.runtime.advance(2_000);
    expect(onlooker.members.self).toBeUndefined();
    expect(viewOf(onlooker)).toEqual({ a: "alive", b: "alive" });
    expect(viewOf(a)).toEqual({ a: "alive", b: "alive" });
    await world.kill(b);
    await world.runtime.advance(8_000);
    expect(viewOf(onlooker)).toEqual({ a: "alive", b: "down" });
  });
});

describe("a message", () => {
  it("is read as it was written", () => {
    const identity = { id: "ä", incarnation: 5, life: "01-x" };
    for (const message of [
      beatOf("x", { data: '"\u0001' }),
      { kind: "bye", ...identity },
      { kind: "here", ...identity },
      { kind: "known", ...identity },
      { kind: "ask", target: "x" },
      { kind: "ping" },
      { kind: "silent" },
    ] as const) {
      expect(readMessage(writeMessage(message))).toEqual({ ok: true, message });
    }
  });
});

/** The life of `id`, as its process tells it to anybody who asks. */
function lifeOf(id: string): string {
  const life = lives.get(id);
  if (life === undefined) throw new Error(`no life of ${id} was heard`);
  return life;
}

const lives = new Map<string, string>();
beforeEach(async () => {
  const { backend } = a;
  const listening = backend.bus.subscribe("membership/g/beats", ({ data }) => {
    const read = readMessage(data);
    if (read.ok && read.message.kind === "beat") lives.set(read.message.id, read.message.life);
  });
  await world.runtime.advance(2_000);
  await (await listening).close();
});
