import { describe, expect, it } from "vitest";
import { createGuard } from "./guard.ts";
import { World } from "./world.fixture.ts";

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString();

describe("a guard with locks", () => {
  it("refuses the late write of a holder that slept through its lock", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const guard = createGuard(one.backend.kv);
    const old = await one.locks.acquire("a");
    await guard.open(old, "a");
    one.pause();
    await world.runtime.advance(11_000);
    await two.locks.run("a", async (lock) => {
      const fenced = await createGuard(two.backend.kv).open(lock, "a");
      await fenced.write("new");
    });
    one.resume();
    // Whoever asks its lock learns it there; whoever does not learns it from the resource.
    expect(() => old.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
    await expect(guard.admit("a", old.fencingToken)).rejects.toMatchObject({
      code: "STALE_TOKEN",
      details: { resource: "a", fencingToken: old.fencingToken },
    });
    expect(text((await guard.peek("a"))?.payload)).toBe("new");
  });

  it("lets the outer holder write after a nested one has released", async () => {
    const world = new World();
    const { backend, locks } = world.process({ reentrant: true });
    const guard = createGuard(backend.kv);
    await locks.run("a", async (outer) => {
      const fenced = await guard.open(outer, "a");
      await locks.run("a", async (inner) => (await guard.open(inner, "a")).write("inner"));
      await fenced.write("outer");
    });
    expect(text((await guard.peek("a"))?.payload)).toBe("outer");
  });

  it("takes a writer, and refuses readers and permits", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    const guard = createGuard(backend.kv);
    const lock = locks.readWrite("a");
    await lock.write.run(async (writer) => (await guard.open(writer, "a")).write("1"));
    await lock.read.run(async (reader) => {
      await expect(guard.open(reader, "a")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(text((await guard.peek("a"))?.payload)).toBe("1");
    });
  });

  it("keeps a late write from readers that raised the floor before reading", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const guard = createGuard(two.backend.kv);
    const writer = await one.locks.readWrite("a").write.acquire();
    await guard.open(writer, "a");
    one.pause();
    const { read, write } = two.locks.readWrite("a");
    const claims = [read.acquire(), read.acquire()];
    await world.runtime.advance(10_100);
    const [older, younger] = await Promise.all(claims);
    await guard.admit("a", younger?.fencingToken ?? 0);
    // The fellow reader is refused, which it may overlook; the stale writer is, too.
    const stale = { code: "STALE_TOKEN" };
    await expect(guard.admit("a", older?.fencingToken ?? 0)).rejects.toMatchObject(stale);
    await expect(guard.admit("a", writer.fencingToken)).rejects.toMatchObject(stale);
    await Promise.all([older?.release(), younger?.release()]);
    await write.run(async (next) => (await guard.open(next, "a")).write("new"));
  });

  it("keeps its floor when the lock's own state is gone", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    const guard = createGuard(backend.kv);
    const first = await locks.run("a", async (lock) => {
      await guard.open(lock, "a");
      return lock.fencingToken;
    });
    await world.runtime.advance(86_400_000);
    expect((await guard.peek("a"))?.floor).toBe(first);
    await locks.run("a", async (lock) => {
      expect(lock.fencingToken).toBeGreaterThan(first);
      await guard.open(lock, "a");
    });
  });

  it("heals within one refusal when the store's clock and tokens went back", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    // The floor is with the data, as in a database; the lock's store loses all it knew.
    const data = world.process();
    const floors = createGuard(new World().process().backend.kv);
    await locks.run("a", async (lock) => void (await floors.open(lock, "a")));
    world.store.flush();
    world.store.stepClock(-2_000);
    const work = (): Promise<string> =>
      locks.run("a", async (lock) => {
        await floors.open(lock, "a");
        return "healed";
      });
    await expect(work()).rejects.toThrow(/STALE_TOKEN.*clock went back/);
    const healed = work();
    await world.runtime.advance(2_100);
    expect(await healed).toBe("healed");
    await data.backend.close();
    await backend.close();
  });
});
