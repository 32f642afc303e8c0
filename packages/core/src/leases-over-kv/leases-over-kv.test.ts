import { describe, expect, it } from "vitest";

import { ScriptedRuntime } from "../testing.ts";
import type { Grant, LeaseEvent, LeaseRequest, Refusal } from "../index.ts";
import { leasesOverKv } from "./leases-over-kv.ts";
import { TestLink, TestStore } from "./test-kv.fixture.ts";

type Answer = { value?: Grant | Refusal; error?: unknown };

function world() {
  const runtime = new ScriptedRuntime();
  const store = new TestStore();
  const join = (options: object = {}) => {
    const link = new TestLink(store, runtime);
    return { link, leases: leasesOverKv(link, { runtime, ...options }) };
  };
  return { runtime, store, join };
}

const claim = (owner: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  owner,
  ttlMs: 10_000,
  ...more,
});

describe("leases over a kv", () => {
  it("takes, renews and gives back an uncontended lease in one write each", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const first = leases.acquire("job", claim("a"));
    await runtime.advance(10);
    const grant = await first;
    if (!grant.granted) throw new Error("refused");
    expect(grant.fencingToken).toBe(1_001);
    expect(store.operations).toBe(1);
    const renewal = leases.renew([grant]);
    await runtime.advance(10);
    expect(await renewal).toEqual(["renewed"]);
    expect(store.operations).toBe(2);
    const release = leases.release(grant);
    await runtime.advance(10);
    expect(await release).toBe("released");
    expect(store.operations).toBe(3);
    expect(store.entries.size).toBe(0);
  });

  it("hands over to the next in line of another process", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    const first = one.leases.acquire("job", claim("a"));
    await runtime.advance(10);
    const grant = (await first) as Grant;
    const answer: Answer = {};
    void two.leases
      .acquire("job", claim("b", { waitMs: 60_000 }))
      .then((value) => (answer.value = value));
    await runtime.advance(100);
    expect(answer.value).toBeUndefined();
    const release = one.leases.release(grant);
    await runtime.advance(10);
    expect(await release).toBe("released");
    expect(answer.value).toMatchObject({ granted: true, owner: "b" });
    expect((answer.value as Grant).fencingToken).toBeGreaterThan(grant.fencingToken);
    expect(store.operations).toBeLessThanOrEqual(8);
  });

  it("takes over from a dead holder once its TTL was seen to pass", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    void one.leases.acquire("job", claim("a"));
    await runtime.advance(10);
    const answer: Answer = {};
    void two.leases
      .acquire("job", claim("b", { waitMs: 60_000 }))
      .then((value) => (answer.value = value));
    await runtime.advance(9_900);
    expect(answer.value).toBeUndefined();
    await runtime.advance(200);
    expect(answer.value).toMatchObject({ granted: true, owner: "b" });
  });

  it("tells grants and ends to a watcher", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    const events: LeaseEvent[] = [];
    void (async () => {
      for await (const event of two.leases.watch("")) events.push(event);
    })();
    await runtime.advance(10);
    const first = one.leases.acquire("a/b", claim("a"));
    await runtime.advance(10);
    const grant = (await first) as Grant;
    void one.leases.release(grant);
    await runtime.advance(10);
    void one.leases.acquire("a/c", claim("z", { ttlMs: 1_000 }));
    await runtime.advance(2_000);
    expect(
      events.map((event) => ("name" in event ? `${event.kind} ${event.name}` : event.kind)),
    ).toEqual(["synced", "granted a/b", "ended a/b", "granted a/c", "ended a/c"]);
    expect(events[2]).toMatchObject({ reason: "released" });
    expect(events[4]).toMatchObject({ reason: "expired" });
  });
});
