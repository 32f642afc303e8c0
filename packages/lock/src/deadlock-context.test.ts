import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

const DEADLOCK = { code: "SELF_DEADLOCK", effect: "none", details: { key: "a" } };

describe("waiting for oneself", () => {
  it("is refused at once, in run, acquire, and several keys, however deep", async () => {
    const world = new World();
    const { locks } = world.process();
    await locks.run("a", async () => {
      await expect(locks.run("a", () => 1)).rejects.toMatchObject(DEADLOCK);
      await expect(locks.acquire("a")).rejects.toMatchObject(DEADLOCK);
      await expect(locks.acquire(["0", "a"])).rejects.toMatchObject(DEADLOCK);
      await locks.run("b", () => expect(locks.acquire("a")).rejects.toMatchObject(DEADLOCK));
    });
    expect(world.runtime.time.monotonicMs()).toBe(0);
    // What was taken before the refused key has been given back.
    expect(await locks.tryAcquire(["0", "a", "b"])).toBeDefined();
  });

  it("is seen through another Locks of the same backend", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    const { createLocks } = await import("./locks.ts");
    const others = createLocks(backend);
    await locks.run("a", () => expect(others.acquire("a")).rejects.toMatchObject(DEADLOCK));
  });

  it("is not seen where two claims stand side by side: one waits for the other", async () => {
    const world = new World();
    const { locks } = world.process();
    const order: string[] = [];
    const work = async (name: string): Promise<void> => {
      order.push(`${name} begins`);
      await new Promise<void>((resolve) => void world.runtime.time.setTimer(10, resolve));
      order.push(`${name} ends`);
    };
    const both = locks.run("outer", () =>
      Promise.all([
        locks.run("a", () => work("one")),
        locks.run("a", () => work("two")),
        locks.acquire("b").then((lock) => lock.release()),
        locks.acquire("b").then((lock) => lock.release()),
      ]),
    );
    await world.runtime.advance(100);
    await both;
    expect(order).toEqual(["one begins", "one ends", "two begins", "two ends"]);
  });

  it("is not seen in what was started inside and goes on after the work has ended", async () => {
    const world = new World();
    const { locks } = world.process();
    let later: Promise<unknown> | undefined;
    await locks.run("a", () => {
      later = new Promise<void>((resolve) => void world.runtime.time.setTimer(10, resolve)).then(
        () => locks.run("a", () => "again"),
      );
    });
    await world.runtime.advance(20);
    expect(await later).toBe("again");
  });

  it("is no matter for tryAcquire, which does not wait", async () => {
    const world = new World();
    const { locks } = world.process();
    await locks.run("a", async () => {
      expect(await locks.tryAcquire("a")).toBeUndefined();
    });
  });

  it("is refused where a reader waits to write, or a writer to read", async () => {
    const world = new World();
    const { locks } = world.process();
    const { read, write } = locks.readWrite("a");
    await read.run(() => expect(write.acquire()).rejects.toMatchObject(DEADLOCK));
    await write.run(() => expect(read.acquire()).rejects.toMatchObject(DEADLOCK));
  });

  it("is refused where permits held and asked for are more than there are", async () => {
    const world = new World();
    const { locks } = world.process();
    const permits = locks.semaphore("a", { permits: 3 });
    await permits.run(
      async () => {
        await expect(permits.acquire({ weight: 2 })).rejects.toMatchObject(DEADLOCK);
        await (await permits.acquire()).release();
      },
      { weight: 2 },
    );
  });
});

describe("a nested reader", () => {
  it("overtakes a writer that waits for the outer one", async () => {
    const world = new World();
    const { locks } = world.process();
    const other = world.process();
    const { read } = locks.readWrite("a");
    let writing: Promise<string> | undefined;
    const inner = await read.run(async () => {
      writing = other.locks.readWrite("a").write.run(() => "written");
      await other.backend.leases.inspect("rw/a");
      return read.run(() => "read");
    });
    expect(inner).toBe("read");
    await world.settle();
    expect(await writing).toBe("written");
  });
});

describe("reentrant: true", () => {
  it("hands out the same lock within a run; the outermost gives back", async () => {
    const world = new World();
    const { locks } = world.process({ reentrant: true });
    await locks.run("a", async (outer) => {
      await locks.run("a", async (inner) => {
        expect(inner.fencingToken).toBe(outer.fencingToken);
      });
      expect(outer.check()).toBe(outer.fencingToken);
      const nested = await locks.acquire("a");
      expect(await nested.release()).toBe("released");
      expect(outer.remainingMs).toBeGreaterThan(0);
      expect((await locks.tryAcquire("a"))?.fencingToken).toBe(outer.fencingToken);
    });
    expect((await locks.inspect("a")).holders).toEqual([]);
  });

  it("works per key of several", async () => {
    const world = new World();
    const { locks } = world.process({ reentrant: true });
    await locks.run("a", async (outer) => {
      await locks.run(["a", "b"], (both) => {
        expect(both.get("a").fencingToken).toBe(outer.fencingToken);
      });
      expect(outer.check()).toBe(outer.fencingToken);
      expect((await locks.inspect("b")).holders).toEqual([]);
    });
  });
});
