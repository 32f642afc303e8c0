import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

describe("a read-write lock", () => {
  it("lets readers share and writers be alone", async () => {
    const world = new World();
    const { read, write } = world.process().locks.readWrite("a");
    const readers = await Promise.all([read.acquire(), read.acquire()]);
    expect(await write.tryAcquire()).toBeUndefined();
    await Promise.all(readers.map((reader) => reader.release()));
    const writer = await write.acquire();
    expect(writer.exclusive).toBe(true);
    expect(readers[0].exclusive).toBe(false);
    expect(await read.tryAcquire()).toBeUndefined();
    expect(await write.tryAcquire()).toBeUndefined();
  });

  it("gives tokens that grow from writer to readers to writer", async () => {
    const world = new World();
    const { read, write } = world.process().locks.readWrite("a");
    const tokens: number[] = [];
    await write.run(({ fencingToken }) => void tokens.push(fencingToken));
    await Promise.all([
      read.run(({ fencingToken }) => void tokens.push(fencingToken)),
      read.run(({ fencingToken }) => void tokens.push(fencingToken)),
    ]);
    await write.run(({ fencingToken }) => void tokens.push(fencingToken));
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));
  });

  it("lets a writer in within bounded time against a stream of readers", async () => {
    const world = new World();
    const { read, write } = world.process().locks.readWrite("a");
    let wroteMs = Infinity;
    const hold = (): Promise<void> =>
      new Promise((resolve) => void world.runtime.time.setTimer(50, resolve));
    const all: Promise<unknown>[] = [];
    for (let ms = 0; ms < 1_000; ms += 10) {
      world.runtime.time.setTimer(ms, () => void all.push(read.run(hold)));
    }
    world.runtime.time.setTimer(105, () => {
      all.push(write.run(() => void (wroteMs = world.runtime.time.monotonicMs())));
    });
    await world.runtime.advance(3_000);
    await Promise.all(all);
    // Those who were reading when it came end, and nobody new gets in before it.
    expect(wroteMs).toBeLessThanOrEqual(105 + 50);
  });

  it("lets readers who queue behind a writer in together", async () => {
    const world = new World();
    const { read, write } = world.process().locks.readWrite("a");
    const writer = await write.acquire();
    const waiting = [read.acquire(), read.acquire(), read.acquire()];
    await world.settle();
    await writer.release();
    const readers = await Promise.all(waiting);
    expect(readers.every((reader) => reader.remainingMs > 0)).toBe(true);
  });

  it("is freed of a reader that crashed, after its TTL", async () => {
    const world = new World();
    const dead = world.process();
    await dead.locks.readWrite("a").read.acquire();
    dead.pause();
    const writing = world.process().locks.readWrite("a").write.acquire();
    await world.runtime.advance(10_100);
    expect((await writing).remainingMs).toBeGreaterThan(0);
  });

  it("does not let a reader in before a lost writer has reached its deadline", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const writer = await one.locks.readWrite("a").write.acquire();
    one.backend.faults.cut();
    let endedMs = Infinity;
    writer.signal.addEventListener("abort", () => (endedMs = world.runtime.time.monotonicMs()));
    const reading = two.locks.readWrite("a").read.acquire();
    let readMs = Infinity;
    void reading.then(() => (readMs = world.runtime.time.monotonicMs()));
    await world.runtime.advance(20_000);
    expect(endedMs).toBeLessThan(10_000);
    expect(readMs).toBeGreaterThan(endedMs);
    expect(readMs).toBeLessThan(10_100);
  });

  it("shows who reads, writes and waits", async () => {
    const world = new World();
    const lock = world.process().locks.readWrite("a");
    await lock.read.acquire({ label: "report" });
    const writing = lock.write.acquire({ label: "import", waitMs: 100 });
    writing.catch(() => {});
    await world.settle();
    expect(await lock.inspect()).toMatchObject({
      key: "a",
      holders: [{ label: "report", weight: 1 }],
      waiters: [{ label: "import" }],
    });
    await world.runtime.advance(200);
  });
});
