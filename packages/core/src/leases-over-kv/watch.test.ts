import { describe, expect, it } from "vitest";

import type { Grant, LeaseEvent, LeaseRequest, LeaseState } from "../index.ts";
import { granted, settled, type World, world } from "./world.fixture.ts";

const claim = (owner: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  owner,
  ttlMs: 10_000,
  ...more,
});

/** Collects the events of a watch as `kind name owner reason`. */
function collect({ runtime, join }: World, target = "", signal?: AbortSignal) {
  const told: string[] = [];
  const { link, leases } = join();
  const watch = leases.watch(target, { signal });
  const ended = (async () => {
    for await (const event of watch) told.push(short(event));
    return "returned";
  })().catch((error: unknown) => error);
  const news = () => told.splice(0);
  return { told, news, ended, watch, link, advance: (ms: number) => runtime.advance(ms) };
}

function short(event: LeaseEvent): string {
  if (event.kind === "granted") return `granted ${event.name} ${event.holder.owner}`;
  if (event.kind === "ended") return `${event.reason} ${event.name} ${event.owner}`;
  return event.kind;
}

describe("watching leases over a kv", () => {
  it("tells the state, then grants and releases, and nothing of renewals", async () => {
    const here = world();
    const { leases } = here.join();
    const grant = await granted(here.runtime, leases.acquire("a/b", claim("x")));
    const { news } = collect(here);
    await here.runtime.advance(10);
    expect(news()).toEqual(["granted a/b x", "synced"]);
    await settled(here.runtime, leases.renew([grant]));
    expect(news()).toEqual([]);
    await settled(here.runtime, leases.release(grant));
    await granted(here.runtime, leases.acquire("a/c", claim("y")));
    expect(news()).toEqual(["released a/b x", "granted a/c y"]);
  });

  it("tells of a name, or of all below a prefix", async () => {
    const here = world();
    const { leases } = here.join({ prefix: "leases/" });
    const events: string[] = [];
    void (async () => {
      for await (const event of leases.watch("a/")) events.push(short(event));
    })();
    await here.runtime.advance(10);
    for (const name of ["a", "a/b", "ab/c", "a/b/c"]) {
      await granted(here.runtime, leases.acquire(name, claim("x")));
    }
    expect(events).toEqual(["synced", "granted a/b x", "granted a/b/c x"]);
  });

  it("tells that a lease expired when its holder is silent, though nobody takes over", async () => {
    const here = world();
    const { leases } = here.join();
    await granted(here.runtime, leases.acquire("job", claim("x", { ttlMs: 1_000 })));
    const { news } = collect(here);
    await here.runtime.advance(900);
    expect(news()).toEqual(["granted job x", "synced"]);
    await here.runtime.advance(200);
    expect(news()).toEqual(["expired job x"]);
  });

  it("tells a take-over as the end of the one and the grant of the other", async () => {
    const here = world();
    const { news } = collect(here);
    const [one, two] = [here.join(), here.join()];
    await granted(here.runtime, one.leases.acquire("job", claim("x", { ttlMs: 1_000 })));
    const next = two.leases.acquire("job", claim("y", { waitMs: 60_000 }));
    await granted(here.runtime, next, 1_200);
    await here.runtime.advance(10);
    expect(news()).toEqual(["synced", "granted job x", "expired job x", "granted job y"]);
  });

  it("tells of a hand-over only once the next one has taken note", async () => {
    const here = world();
    const { news } = collect(here);
    const [one, two] = [here.join(), here.join()];
    const first = await granted(here.runtime, one.leases.acquire("job", claim("x")));
    const next = two.leases.acquire("job", claim("y", { waitMs: 60_000 }));
    await here.runtime.advance(10);
    void one.leases.release(first);
    await granted(here.runtime, next);
    expect(news()).toEqual(["synced", "granted job x", "released job x", "granted job y"]);
  });

  it("reads before it says 'expired': its own pause is not the holder's death", async () => {
    const here = world();
    const { leases } = here.join();
    const grant = await granted(here.runtime, leases.acquire("job", claim("x", { ttlMs: 1_000 })));
    const { news, link } = collect(here);
    await here.runtime.advance(10);
    link.faults.pushMs = () => 1_500; // Every change reaches the watcher late.
    for (let round = 0; round < 8; round++) {
      await settled(here.runtime, leases.renew([grant]), 400);
    }
    expect(news()).toEqual(["granted job x", "synced"]);
  });

  it("keeps a slow reader's memory bounded, and tells it the last state", async () => {
    const here = world();
    const { leases } = here.join();
    const watch = leases.watch("");
    await here.runtime.advance(10);
    let last: Grant | undefined;
    for (let round = 0; round < 200; round++) {
      if (last) await settled(here.runtime, leases.release(last), 5);
      last = await granted(here.runtime, leases.acquire("job", claim(`x${round}`)), 5);
    }
    const events: string[] = [];
    void (async () => {
      for await (const event of watch) events.push(short(event));
    })();
    await here.runtime.advance(10);
    expect(events).toEqual(["synced", "granted job x199"]);
  });

  it("ends by its signal, by leaving the loop, and unsubscribes from the kv", async () => {
    const here = world();
    const control = new AbortController();
    const { ended } = collect(here, "", control.signal);
    const other = collect(here);
    await here.runtime.advance(10);
    expect(here.store.feeds.size).toBe(2);
    control.abort(new Error("enough"));
    expect(await settled(here.runtime, ended)).toMatchObject({ message: "enough" });
    await other.watch.return?.();
    expect(await settled(here.runtime, other.ended)).toBe("returned");
    expect(here.store.feeds.size).toBe(0);
    const late = collect(here, "", AbortSignal.abort(new Error("too late")));
    expect(await settled(here.runtime, late.ended)).toMatchObject({ message: "too late" });
    expect(here.runtime.pendingTimers).toBe(0);
  });

  it("passes over records that are not theirs", async () => {
    const here = world();
    here.store.put("job", Buffer.from("junk"), undefined, "other");
    const { news } = collect(here);
    await here.runtime.advance(10);
    expect(news()).toEqual(["synced"]);
  });
});

describe("looking at leases over a kv", () => {
  it("lists what is held or waited for, at any depth, in order of the names' bytes", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const names = ["a/é", "a/z", "a/b/c", "b", "a/😀", "a/\ufffd"];
    for (const name of names) await granted(runtime, leases.acquire(name, claim("x")));
    store.put("a/junk", Buffer.from("junk"), undefined, "other");
    const list = async (prefix: string) => {
      const found: LeaseState[] = [];
      for await (const state of leases.list(prefix, { pageSize: 2 })) found.push(state);
      return found.map(({ name }) => name);
    };
    expect(await settled(runtime, list("a/"))).toEqual(["a/b/c", "a/z", "a/é", "a/\ufffd", "a/😀"]);
    expect(await settled(runtime, list(""))).toHaveLength(6);
    expect(await settled(runtime, list("c/"))).toEqual([]);
    expect(store.feeds.size).toBe(0);
    expect(() => leases.list("a")).toThrow("prefix");
  });

  it("shows holders with what is left, waiters in line, and hides the expired", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    const pair = { capacity: 2, data: "me" };
    await granted(runtime, one.leases.acquire("job", claim("a", pair)));
    void one.leases.acquire("job", claim("b", { weight: 2, waitMs: 60_000, ...pair }));
    await runtime.advance(20);
    const early = await settled(runtime, two.leases.inspect("job"));
    expect(early.waiters).toEqual([{ owner: "b", weight: 2, data: "me" }]);
    expect(early.holders[0]?.expiresInMs).toBeGreaterThan(9_900);
    expect(early.holders[0]?.expiresInMs).toBeLessThanOrEqual(10_000);
    expect(await settled(runtime, two.leases.inspect("nothing"))).toEqual({
      name: "nothing",
      holders: [],
      waiters: [],
    });
  });

  it("hides a holder that it has watched for longer than its TTL", async () => {
    const { runtime, join } = world();
    await granted(runtime, join().leases.acquire("job", claim("a")));
    const { leases } = join();
    expect((await settled(runtime, leases.inspect("job"))).holders).toHaveLength(1);
    await runtime.advance(10_000);
    expect((await settled(runtime, leases.inspect("job"))).holders).toEqual([]);
  });
});
