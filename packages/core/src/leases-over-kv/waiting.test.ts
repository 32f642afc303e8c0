import { describe, expect, it } from "vitest";

import type { LeaseRequest } from "../index.ts";
import { TestProcess } from "./processes.fixture.ts";
import { granted, settled, world } from "./world.fixture.ts";

const claim = (owner: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  owner,
  ttlMs: 10_000,
  ...more,
});
const long = { waitMs: 600_000 };

describe("waiting for a lease over a kv", () => {
  it("is in order of arrival at the store, over processes", async () => {
    const { runtime, join } = world();
    const all = [join(), join(), join()];
    const holder = join();
    const first = await granted(runtime, holder.leases.acquire("job", claim("first")));
    const order: string[] = [];
    for (let index = 0; index < 12; index++) {
      const { leases } = all[index % 3] ?? holder;
      void leases.acquire("job", claim(`w${index}`, long)).then(async (grant) => {
        if (!grant.granted) return;
        order.push(grant.owner);
        await leases.release(grant);
      });
      await runtime.advance(20);
    }
    void holder.leases.release(first);
    await runtime.advance(500);
    expect(order).toEqual(Array.from({ length: 12 }, (_, index) => `w${index}`));
  });

  it("ends in a refusal that names the holders, and leaves the line", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    const grant = await granted(runtime, one.leases.acquire("job", claim("a", { data: "host 7" })));
    const wait = two.leases.acquire("job", claim("b", { waitMs: 500 }));
    const answer = await settled(runtime, wait, 510);
    if (answer.granted) throw new Error("granted");
    expect(answer.holders).toMatchObject([
      { owner: "a", fencingToken: grant.fencingToken, weight: 1, data: "host 7" },
    ]);
    expect((await settled(runtime, two.leases.inspect("job"))).waiters).toEqual([]);
    await settled(runtime, one.leases.release(grant));
    expect(store.entries.size).toBe(0);
  });

  it("costs one claim window for all dead waiters of a process together", async () => {
    const { runtime, store, join } = world();
    const dead = new TestProcess(runtime, store);
    const [one, two] = [join(), join()];
    const first = await granted(runtime, one.leases.acquire("job", claim("a")));
    for (const owner of ["d1", "d2", "d3", "d4"]) {
      void dead.leases.acquire("job", claim(owner, long));
    }
    await runtime.advance(20);
    const next = two.leases.acquire("job", claim("b", long));
    await runtime.advance(20);
    dead.kill();
    void one.leases.release(first);
    const grant = await granted(runtime, next, 650);
    // They do not answer, and are gone from the line a while later.
    const last = one.leases.acquire("job", claim("c", long));
    await runtime.advance(6_000);
    const { waiters } = await settled(runtime, two.leases.inspect("job"));
    expect(waiters.map(({ owner }) => owner)).toEqual(["c"]);
    void two.leases.release(grant);
    await granted(runtime, last);
  });

  it("costs one claim window, not one for each, where many of the dead are in front", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    const dead = Array.from({ length: 6 }, () => new TestProcess(runtime, store));
    const first = await granted(runtime, one.leases.acquire("job", claim("a")));
    for (const [index, { leases }] of dead.entries()) {
      void leases.acquire("job", claim(`d${index}`, long));
      await runtime.advance(20);
    }
    const next = two.leases.acquire("job", claim("b", long));
    await runtime.advance(20);
    for (const process of dead) process.kill();
    void one.leases.release(first);
    // The window of the one that was handed the lease, and 20 ms for each place in line.
    const grant = await granted(runtime, next, 500 + 6 * 20 + 40);
    // They are passed over from now on: the next hand-over costs nothing.
    const last = one.leases.acquire("job", claim("c", long));
    await runtime.advance(20);
    void two.leases.release(grant);
    expect((await granted(runtime, last, 20)).owner).toBe("c");
  });

  it("takes over from a dead holder past dead waiters, within TTL and places", async () => {
    const { runtime, store, join } = world();
    const dead = Array.from({ length: 4 }, () => new TestProcess(runtime, store));
    for (const [index, { leases }] of dead.entries()) {
      void leases.acquire("job", claim(`d${index}`, long));
      await runtime.advance(20);
    }
    const next = join().leases.acquire("job", claim("b", long));
    await runtime.advance(20);
    for (const process of dead) process.kill();
    expect((await granted(runtime, next, 10_000 + 4 * 20 + 40)).owner).toBe("b");
  });

  it("keeps the place of a process that was paused when its turn came", async () => {
    const { runtime, store, join } = world();
    const paused = new TestProcess(runtime, store);
    const [one, two, three] = [join(), join(), join()];
    const first = await granted(runtime, one.leases.acquire("job", claim("a")));
    const turn = paused.leases.acquire("job", claim("p", long));
    await runtime.advance(20);
    const next = two.leases.acquire("job", claim("b", long));
    await runtime.advance(20);
    const last = three.leases.acquire("job", claim("c", long));
    await runtime.advance(20);
    void paused.pause(1_000);
    void one.leases.release(first);
    const grant = await granted(runtime, next, 900);
    await runtime.advance(1_000);
    void two.leases.release(grant);
    await granted(runtime, turn);
    expect((await settled(runtime, three.leases.inspect("job"))).waiters).toHaveLength(1);
    void last;
  });

  it("does not let a stalled process take a holder for dead that renewed meanwhile", async () => {
    const { runtime, store, join } = world();
    const one = join();
    const stalled = new TestProcess(runtime, store);
    const grant = await granted(runtime, one.leases.acquire("job", claim("a", { ttlMs: 2_000 })));
    let taken = false;
    void stalled.leases.acquire("job", claim("b", long)).then(() => (taken = true));
    await runtime.advance(500);
    void stalled.pause(5_000);
    for (let round = 0; round < 10; round++) {
      expect(await settled(runtime, one.leases.renew([grant]), 500)).toEqual(["renewed"]);
    }
    await runtime.advance(500);
    expect(taken).toBe(false);
    expect(await settled(runtime, one.leases.renew([grant]), 500)).toEqual(["renewed"]);
  });

  it("leaves the line when aborted, and rejects with the reason", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    await granted(runtime, one.leases.acquire("job", claim("a")));
    const reason = new Error("changed my mind");
    const control = new AbortController();
    const wait = two.leases.acquire("job", claim("b", { ...long, signal: control.signal }));
    const failed = wait.catch((error: unknown) => error);
    await runtime.advance(20);
    control.abort(reason);
    expect(await settled(runtime, failed)).toBe(reason);
    expect((await settled(runtime, one.leases.inspect("job"))).waiters).toEqual([]);
  });

  it("passes the lease on, whenever an abort meets the grant", async () => {
    // The abort falls into each millisecond of the hand-over in turn.
    for (let atMs = 0; atMs < 12; atMs++) {
      const { runtime, store, join } = world();
      const [one, two, three] = [join(), join(), join()];
      const first = await granted(runtime, one.leases.acquire("job", claim("a")));
      const control = new AbortController();
      const wait = two.leases.acquire("job", claim("b", { ...long, signal: control.signal }));
      const ended = wait.then(
        (answer) => answer,
        (error: unknown) => error,
      );
      await runtime.advance(20);
      const next = three.leases.acquire("job", claim("c", long));
      await runtime.advance(20);
      runtime.time.setTimer(atMs, () => control.abort(new Error("stop")));
      void one.leases.release(first);
      const answer = await settled(runtime, ended, 60);
      if (!(answer instanceof Error)) void two.leases.release({ name: "job", owner: "b" });
      const grant = await granted(runtime, next, 60);
      void three.leases.release(grant);
      await runtime.advance(100);
      expect([atMs, store.entries.size]).toEqual([atMs, 0]);
    }
  });

  it("leaves nothing behind, whenever a first ask is aborted", async () => {
    for (let atMs = 0; atMs < 6; atMs++) {
      const { runtime, store, join } = world();
      const { leases } = join();
      const control = new AbortController();
      const { signal } = control;
      const ended = leases.acquire("job", claim("b", { signal })).catch((error: unknown) => error);
      await runtime.advance(atMs);
      control.abort(new Error("stop"));
      const answer = await settled(runtime, ended, 60);
      if (!(answer instanceof Error)) void leases.release({ name: "job", owner: "b" });
      await runtime.advance(50);
      expect([atMs, store.entries.size]).toEqual([atMs, 0]);
    }
  });

  it("is over at once where the claim is released in the same instant", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const wait = leases.acquire("job", claim("a"));
    const release = leases.release({ name: "job", owner: "a" });
    expect((await settled(runtime, wait, 50)).granted).toBe(false);
    expect(await settled(runtime, release)).toBe("released");
    expect(store.entries.size).toBe(0);
  });

  it("gives a grant back that arrives when its time is over", async () => {
    const { runtime, store, join } = world();
    const { link, leases } = join();
    link.faults.delayMs = () => 400;
    const answer = leases.acquire("job", claim("a", { ttlMs: 500 }));
    expect((await settled(runtime, answer, 5_000)).granted).toBe(false);
    expect(store.entries.size).toBe(0);
  });

  it("survives an outage of the store in the middle of the wait", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    await granted(runtime, one.leases.acquire("job", claim("a", { ttlMs: 1_000 })));
    const wait = two.leases.acquire("job", claim("b", long));
    await runtime.advance(500);
    two.link.down = true;
    await runtime.advance(10_000);
    two.link.down = false;
    expect((await granted(runtime, wait, 3_000)).owner).toBe("b");
  });

  it("shows within a minute that a candidate has died, while the leader goes on", async () => {
    const { runtime, store, join } = world();
    const [leader, standby] = [join(), join()];
    const dead = new TestProcess(runtime, store);
    const grant = await granted(runtime, leader.leases.acquire("lead", claim("l")));
    void dead.leases.acquire("lead", claim("dead", { waitMs: Infinity }));
    await runtime.advance(20);
    void standby.leases.acquire("lead", claim("s", { waitMs: Infinity }));
    await runtime.advance(20);
    dead.kill();
    const before = store.operations;
    for (let round = 0; round < 20; round++) {
      await settled(runtime, leader.leases.renew([grant]), 3_000);
    }
    const { waiters } = await settled(runtime, leader.leases.inspect("lead"));
    expect(waiters.map(({ owner }) => owner)).toEqual(["s"]);
    // Twenty renewals, the look, and a handful of writes for the roll calls.
    expect(store.operations - before).toBeLessThan(40);
  });

  it("keeps living candidates through the roll calls of an hour", async () => {
    const { runtime, store, join } = world();
    const leader = join();
    const grant = await granted(runtime, leader.leases.acquire("lead", claim("l")));
    for (let index = 0; index < 5; index++) {
      void join().leases.acquire("lead", claim(`c${index}`, { waitMs: Infinity }));
      await runtime.advance(20);
    }
    const before = store.operations;
    for (let round = 0; round < 720; round++) {
      await settled(runtime, leader.leases.renew([grant]), 5_000);
    }
    const { waiters } = await settled(runtime, leader.leases.inspect("lead"));
    expect(waiters.map(({ owner }) => owner)).toEqual(["c0", "c1", "c2", "c3", "c4"]);
    // An hour has 120 roll calls of at most 30 s; each costs a write, and one for each answer.
    expect((store.operations - before - 721) / 120).toBeLessThan(10);
  });
});
