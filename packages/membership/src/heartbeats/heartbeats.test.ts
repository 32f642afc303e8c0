import { isQuorateError } from "@quorate/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ChenDetector } from "../detectors/chen-detector.ts";
import { DeadlineDetector } from "../detectors/deadline-detector.ts";
import { GroupWorld, record, viewOf } from "./world.fixture.ts";

let world: GroupWorld;
beforeEach(() => {
  world = new GroupWorld();
});
afterEach(() => world.close());

describe("members", () => {
  it("know one another, themselves among them, by id", async () => {
    const [a, b, c] = await world.group("a", "b", "c");
    for (const one of [a, b, c]) {
      expect(viewOf(one!)).toEqual({ a: "alive", b: "alive", c: "alive" });
    }
    expect(a!.members.self).toMatchObject({ id: "a", state: "alive", data: "", address: "" });
    expect(a!.members.member("b")).toMatchObject({ id: "b", state: "alive" });
    expect(a!.members.member("x")).toBeUndefined();
    expect(a!.members.suspicion("b")).toBeLessThan(1);
  });

  it.each([
    ["the phi detector", {}],
    ["a deadline", { detector: (o: object) => new DeadlineDetector({ ...o, timeoutMs: 3_000 }) }],
    ["Chen's", { detector: (o: object) => new ChenDetector(o) }],
  ])("find one that crashed down within seconds, with %s", async (_name, options) => {
    const a = await world.start("a", options);
    const b = await world.start("b", options);
    const words = record(a.members.watch());
    await world.runtime.advance(10_000);
    await world.kill(b);
    await world.runtime.advance(2_500);
    expect(viewOf(a)["b"]).toBe("alive");
    await world.runtime.advance(4_000);
    expect(viewOf(a)["b"]).toBe("down");
    expect(words.slice(-2)).toEqual(["suspected b", "down b"]);
  });

  it("see one leave at once, and forget it later", async () => {
    const [a, b] = await world.group("a", "b");
    const leaving = b!.members.leave();
    await world.runtime.advance(1);
    await leaving;
    expect(viewOf(a!)["b"]).toBe("left");
    await world.runtime.advance(301_000);
    expect(viewOf(a!)).toEqual({ a: "alive" });
  });

  it("see what another says of itself", async () => {
    const [a, b] = await world.group("a", "b");
    const words = record(a!.members.watch());
    const updating = b!.members.update('{"zone":"eu"}');
    await world.runtime.advance(1);
    await updating;
    expect(a!.members.member("b")?.data).toBe('{"zone":"eu"}');
    await world.runtime.advance(5_000);
    expect(words).toEqual(["joined a", "joined b", "synced", "updated b"]);
    expect(a!.members.dropped.repeated).toBe(0);
  });

  it("take a restart for the same member in a later life", async () => {
    const [a, b] = await world.group("a", "b");
    const before = a!.members.member("b")!.incarnation;
    await world.kill(b!);
    await world.runtime.advance(1_500);
    await world.start("b");
    const after = a!.members.member("b");
    expect(after?.state).toBe("alive");
    expect(after!.incarnation).toBeGreaterThan(before);
  });

  it("believe one that was down only after a few good heartbeats", async () => {
    const [a, b] = await world.group("a", "b");
    b!.pause();
    await world.runtime.advance(10_000);
    expect(viewOf(a!)["b"]).toBe("down");
    b!.resume();
    await world.runtime.advance(1_200);
    expect(viewOf(a!)["b"]).toBe("down");
    await world.runtime.advance(2_000);
    expect(viewOf(a!)["b"]).toBe("alive");
  });

  it("come back with a clock that was set back, at once", async () => {
    const [a, b] = await world.group("a", "b");
    await world.kill(b!);
    world.runtime.stepWallClock(-3_600_000);
    await world.start("b");
    await world.runtime.advance(5);
    expect(viewOf(a!)["b"]).toBe("alive");
    expect(world.events("membership.dropped").length).toBe(1);
  });
});

describe("a watch", () => {
  it("that begins late tells the members first, then synced, and ends with the group", async () => {
    const [a, b, c] = await world.group("a", "b", "c");
    const leaving = c!.members.leave();
    await world.runtime.advance(1);
    await leaving;
    await world.kill(b!);
    await world.runtime.advance(8_000);
    const words = record(a!.members.watch());
    await world.runtime.advance(0);
    expect(words).toEqual(["joined a", "down b", "left c", "synced"]);
    await world.kill(a!);
    expect(words.at(-1)).toBe("end");
    expect(() => a!.members.watch()).toThrow(/was closed/);
  });

  it("of a newcomer is synced when all have had their turn to beat", async () => {
    await world.group("a", "b");
    const c = await world.start("c");
    const words = record(c.members.watch());
    await world.runtime.advance(1_000);
    expect([...words].sort()).toEqual(["joined a", "joined b", "joined c"]);
    await world.runtime.advance(1_000);
    expect(words.at(-1)).toBe("synced");
  });

  it("ends by its signal", async () => {
    const [a] = await world.group("a");
    const stop = new AbortController();
    const words = record(a!.members.watch({ signal: stop.signal }));
    stop.abort(new Error("enough"));
    await world.runtime.advance(0);
    expect(words.at(-1)).toBe("Error: enough");
  });
});

describe("a process that cannot hear", () => {
  it("accuses nobody, says stale, and is synced again", async () => {
    const [a, b, c] = await world.group("a", "b", "c");
    const words = record(a!.members.watch());
    a!.backend.faults.cut();
    await world.runtime.advance(60_000);
    expect(viewOf(a!)).toEqual({ a: "alive", b: "alive", c: "alive" });
    expect(viewOf(b!)["a"]).toBe("down");
    expect(words.at(-1)).toBe("stale");
    a!.backend.faults.restore();
    await world.runtime.advance(8_000);
    expect(words.slice(3)).toEqual(["synced", "stale", "synced"]);
    for (const one of [a, b, c]) {
      expect(viewOf(one!)).toEqual({ a: "alive", b: "alive", c: "alive" });
    }
  });

  it("and whose link takes all it says, notices by its own heartbeats", async () => {
    const [a, b] = await world.group("a", "b");
    a!.backend.faults.pauseReplies();
    await world.runtime.advance(30_000);
    expect(viewOf(a!)).toEqual({ a: "alive", b: "alive" });
    expect(viewOf(b!)["a"]).toBe("alive");
  });

  it("after it stood still convicts nobody (case 28)", async () => {
    const [a, b, c] = await world.group("a", "b", "c");
    const words = record(a!.members.watch());
    a!.pause();
    await world.runtime.advance(30_000);
    a!.resume();
    await world.runtime.advance(10_000);
    expect(words).toEqual(["joined a", "joined b", "joined c", "synced"]);
    expect(viewOf(c!)["a"]).toBe("alive");
    expect(viewOf(b!)["a"]).toBe("alive");
  });
});

describe("a member that one other alone cannot hear", () => {
  it("is asked, answers, and stays alive", async () => {
    const [, b] = await world.group("c", "b");
    const a = await world.start("a", {}, (bus) => ({
      publish: (...args) => bus.publish(...args),
      request: (...args) => bus.request(...args),
      subscribe: (target, handler, options) =>
        bus.subscribe(
          target,
          (message) => {
            if (isDeaf && Buffer.from(message.data).includes('"id":"b"')) return;
            return handler(message);
          },
          options,
        ),
    }));
    let isDeaf = false;
    await world.runtime.advance(5_000);
    isDeaf = true;
    await world.runtime.advance(30_000);
    expect(viewOf(a)["b"]).toBe("alive");
    expect(viewOf(b!)["a"]).toBe("alive");
  });

  it("nor reach, is asked through others, and stays alive", async () => {
    await world.group("c", "b");
    let isCut = false;
    const a = await world.start("a", {}, (bus) => ({
      publish: (...args) => bus.publish(...args),
      request: async (subject, ...args) => {
        if (isCut && subject.endsWith("/to/b")) return new Promise(() => {});
        return bus.request(subject, ...args);
      },
      subscribe: (target, handler, options) =>
        bus.subscribe(
          target,
          (message) =>
            isCut && Buffer.from(message.data).includes('"id":"b"') ? undefined : handler(message),
          options,
        ),
    }));
    const words = record(a.members.watch());
    await world.runtime.advance(5_000);
    isCut = true;
    await world.runtime.advance(30_000);
    expect(viewOf(a)["b"]).toBe("alive");
    expect(words).toContain("suspected b");
    expect(words).not.toContain("down b");
  });
});

describe("closing", () => {
  it("leaves no timer, twice is fine, and refuses what comes after", async () => {
    const [a] = await world.group("a");
    await world.kill(a!);
    await a!.members.close();
    await a!.members.leave();
    await a!.backend.close();
    expect(world.runtime.pendingTimers).toBeLessThanOrEqual(0);
    for (const call of [() => a!.members.update("x"), () => a!.members.start()]) {
      await expect(call()).rejects.toMatchObject({ code: "CLOSED" });
    }
  });

  it("does not wait for a bus that takes nothing", async () => {
    const [a] = await world.group("a");
    a!.backend.faults.pauseReplies();
    let hasLeft = false;
    void a!.members.leave().then(() => (hasLeft = true));
    await world.runtime.advance(299);
    expect(hasLeft).toBe(false);
    await world.runtime.advance(201);
    expect(hasLeft).toBe(true);
  });

  it("before the start has nothing to say", async () => {
    const a = world.make("a");
    expect([a.members.self, a.members.members]).toEqual([undefined, []]);
    await a.members.leave();
    expect(a.members.dropped.unreadable).toBe(0);
  });
});

describe("starting", () => {
  it("without a bus says so, and can be tried again", async () => {
    const a = world.make("a");
    a.backend.faults.cut();
    const failed = a.members.start();
    failed.catch(() => {});
    await world.runtime.advance(1_000);
    await expect(failed).rejects.toSatisfy((error) => isQuorateError(error));
    a.backend.faults.restore();
    const again = a.members.start();
    await world.runtime.advance(10);
    await again;
    expect(a.members.self?.state).toBe("alive");
  });

  it.each<readonly [string, object]>([
    ["group", { group: "" }],
    ["id", { id: "a/b" }],
    ["maxMembers", { maxMembers: 257 }],
    ["relays", { relays: 17 }],
    ["detector", { detector: 5 as never }],
    ["intervalMs", { intervalMs: -1 }],
    ["data", { data: "\ud800" }],
    ["options.grup", { grup: "x" }],
  ])("names %s, when it is wrong", (option, options) => {
    expect(() => world.make("a", options)).toThrow(option);
  });

  it("refuses data beyond a kilobyte, and says how long it is", async () => {
    const [a] = await world.group("a");
    await expect(a!.members.update("é".repeat(513))).rejects.toMatchObject({
      code: "TOO_LARGE",
      details: { option: "data", size: 1_026, limit: 1_024 },
    });
    expect(a!.members.self?.data).toBe("");
  });
});
