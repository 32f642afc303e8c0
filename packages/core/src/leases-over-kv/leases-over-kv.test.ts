import { describe, expect, it } from "vitest";

import { isQuorateError, Lifecycle } from "../index.ts";
import type { Grant, LeaseRequest } from "../index.ts";
import { granted, settled, world } from "./world.fixture.ts";

const claim = (owner: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  owner,
  ttlMs: 10_000,
  ...more,
});

describe("leases over a kv", () => {
  it("take, renew and give back an uncontended lease in one write each", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const grant = await granted(runtime, leases.acquire("job", claim("a")));
    expect(grant.fencingToken).toBe(1_001);
    expect(store.operations).toBe(1);
    expect(await settled(runtime, leases.renew([grant]))).toEqual(["renewed"]);
    expect(store.operations).toBe(2);
    expect(await settled(runtime, leases.release(grant))).toBe("released");
    expect(store.operations).toBe(3);
    expect(store.entries.size).toBe(0);
    expect(await settled(runtime, leases.release(grant))).toBe("expired");
  });

  it("count the grant's end from before the request left, with a margin", async () => {
    const { runtime, join } = world();
    const { link, leases } = join();
    link.faults.delayMs = () => 200;
    const grant = await granted(runtime, leases.acquire("job", claim("a")), 1_000);
    expect(grant.validUntilMs).toBeCloseTo(10_000 * 0.99 - 2);
    expect(grant.validUntilWallMs - runtime.time.wallMs()).toBeCloseTo(9_898 - 1_000);
  });

  it("take the longest legal name, with every character that names may have", async () => {
    const { runtime, join } = world();
    const { leases } = join();
    const name = Array.from({ length: 16 }, (_, index) => `${index}.*>{} ü`.padEnd(27, "x")).join(
      "/",
    );
    const grant = await granted(runtime, leases.acquire(name, claim("a")));
    expect(grant.name).toBe(name);
    expect((await settled(runtime, leases.inspect(name))).holders).toHaveLength(1);
  });

  it("hand over to the next in line of another process, in the write that releases", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    const first = await granted(runtime, one.leases.acquire("job", claim("a")));
    const next = two.leases.acquire("job", claim("b", { waitMs: 60_000 }));
    await runtime.advance(100);
    const before = store.operations;
    void one.leases.release(first);
    const second = await granted(runtime, next, 10);
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    // A write that is refused, as `one` did not know of the waiter; the release; the confirmation.
    expect(store.operations - before).toBeLessThanOrEqual(3);
  });

  it("take over once a TTL of silence was seen, not sooner", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    await granted(runtime, one.leases.acquire("job", claim("a")));
    let taken = false;
    const next = two.leases.acquire("job", claim("b", { waitMs: 60_000 }));
    void next.then(() => (taken = true));
    await runtime.advance(9_990);
    expect(taken).toBe(false);
    await granted(runtime, next, 100);
  });

  it("go on from the observation of those who waited before", async () => {
    const { runtime, join } = world();
    const [one, two, three] = [join(), join(), join()];
    await granted(runtime, one.leases.acquire("job", claim("a")));
    const second = two.leases.acquire("job", claim("b", { waitMs: 6_000 }));
    expect((await settled(runtime, second, 6_100)).granted).toBe(false);
    // Four seconds are left, not ten: the second process wrote down what it had seen.
    await granted(runtime, three.leases.acquire("job", claim("c", { waitMs: 60_000 })), 4_200);
  });

  it("let one who asks again and again take over, although it never waits", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    await granted(runtime, one.leases.acquire("job", claim("a")));
    const answers: boolean[] = [];
    for (let round = 0; round < 12; round++) {
      answers.push((await settled(runtime, two.leases.acquire("job", claim("b")), 1_000)).granted);
    }
    expect(answers.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => false));
    expect(answers).toContain(true);
  });

  it("let one who looks once take over where the engine knows the record's age", async () => {
    const { runtime, store, join } = world();
    const written = new Map<number, number>();
    store.feeds.add((change) => {
      if (change.kind === "put") written.set(change.entry.revision, runtime.time.monotonicMs());
    });
    const ageMs = async (entry: { revision: number }) =>
      runtime.time.monotonicMs() - (written.get(entry.revision) ?? Number.NaN);
    await granted(runtime, join().leases.acquire("job", claim("a")));
    await runtime.advance(10_500);
    const early = await settled(runtime, join({ ageMs }).leases.acquire("job", claim("b")));
    expect(early.granted).toBe(false);
    await runtime.advance(500);
    const blind = await settled(runtime, join().leases.acquire("job", claim("c")));
    expect(blind.granted).toBe(false);
    await granted(runtime, join({ ageMs }).leases.acquire("job", claim("d")));
  });

  it.each([
    ["fails", () => Promise.reject(new Error("no"))],
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["knows nothing", async () => undefined],
    ["says nonsense", async () => Number.NaN],
    ["never answers", () => new Promise<number>(() => {})],
  ])("fall back on watching where the engine's word on age %s", async (_, ageMs) => {
    const { runtime, join } = world();
    await granted(runtime, join().leases.acquire("job", claim("a")));
    await runtime.advance(60_000);
    const { leases } = join({ ageMs });
    const answer = await settled(runtime, leases.acquire("job", claim("b")), 6_000);
    expect(answer.granted).toBe(false);
  });

  it("refuse a renewal after the end, and never bring a lease back", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    const grant = await granted(runtime, one.leases.acquire("job", claim("a")));
    await runtime.advance(10_000);
    expect(await settled(runtime, one.leases.renew([grant]))).toEqual(["lost"]);
    expect(store.entries.size).toBe(0);
    const next = await granted(runtime, two.leases.acquire("job", claim("b")));
    expect(await settled(runtime, one.leases.renew([grant]))).toEqual(["lost"]);
    expect(await settled(runtime, one.leases.release(grant))).toBe("expired");
    expect(await settled(runtime, two.leases.renew([next]))).toEqual(["renewed"]);
  });

  it("give the same grant to the same owner who asks again", async () => {
    const { runtime, join } = world();
    const [one, two] = [join(), join()];
    const grant = await granted(runtime, one.leases.acquire("job", claim("a")));
    const again = await granted(runtime, one.leases.acquire("job", claim("a")));
    const there = await granted(runtime, two.leases.acquire("job", claim("a")));
    expect([again.fencingToken, there.fencingToken]).toEqual([
      grant.fencingToken,
      grant.fencingToken,
    ]);
    expect(await settled(runtime, one.leases.release(grant))).toBe("released");
  });

  it("tell both who make the same claim in one process of the one grant", async () => {
    const { runtime, join } = world();
    const { leases } = join();
    const first = await granted(runtime, leases.acquire("job", claim("a")));
    const waits = [1, 2].map(() => leases.acquire("job", claim("b", { waitMs: 1_000 })));
    await runtime.advance(10);
    expect((await settled(runtime, leases.inspect("job"))).waiters).toHaveLength(1);
    void leases.release(first);
    const [left, right] = await Promise.all(waits.map((wait) => granted(runtime, wait)));
    expect(left?.fencingToken).toBe(right?.fencingToken);
  });

  it("never grant a token twice, though a whole batch was released in one write", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const tokens: number[] = [];
    for (let round = 0; round < 5; round++) {
      const asked = Array.from({ length: 20 }, (_, index) =>
        leases.acquire("pool", claim(`${round}-${index}`, { capacity: 20 })),
      );
      const grants = await Promise.all(asked.map((one) => granted(runtime, one)));
      tokens.push(...grants.map((grant) => grant.fencingToken));
      // All in one write: the record's revision is then far below its highest token.
      const released = Promise.all(grants.map((grant) => leases.release(grant)));
      expect(new Set(await settled(runtime, released))).toEqual(new Set(["released"]));
      await runtime.advance(100);
      expect(store.entries.size).toBe(0);
    }
    expect(tokens).toEqual([...new Set(tokens)].sort((left, right) => left - right));
  });

  it("keep a token when an engine writes the record again against a straggler", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const grant = await granted(runtime, leases.acquire("job", claim("a")));
    const { value, revision } = store.entries.get("job") ?? {
      value: new Uint8Array(),
      revision: 0,
    };
    store.put("job", value, revision, "fence");
    const { holders } = await settled(runtime, join().leases.inspect("job"));
    expect(holders[0]?.fencingToken).toBe(grant.fencingToken);
    expect(await settled(runtime, leases.renew([grant]))).toEqual(["renewed"]);
  });

  it("grant as a semaphore and as a read-write lock", async () => {
    const { runtime, join } = world();
    const { leases } = join();
    const rw = (owner: string, weight: number, waitMs = 0) =>
      leases.acquire("rw", claim(owner, { weight, capacity: 100, waitMs }));
    const readers = [await granted(runtime, rw("r1", 1)), await granted(runtime, rw("r2", 1))];
    const writer = rw("w", 100, 5_000);
    await runtime.advance(10);
    expect((await settled(runtime, rw("r3", 1))).granted).toBe(false);
    const late = rw("r4", 1, 5_000);
    for (const reader of readers) void leases.release(reader);
    const write = await granted(runtime, writer);
    void leases.release(write);
    await granted(runtime, late);
  });

  it("judge 'lost' only by a read that began after the question", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const grant = await granted(runtime, leases.acquire("job", claim("a")));
    // Somebody else's write, of which this process does not know.
    const entry = store.entries.get("job");
    store.put("job", entry?.value ?? new Uint8Array(), entry?.revision, "other");
    const before = store.operations;
    expect(await settled(runtime, leases.renew([{ ...grant, fencingToken: 7 }]))).toEqual(["lost"]);
    expect(store.operations).toBe(before + 1);
    expect(await settled(runtime, leases.renew([grant]))).toEqual(["renewed"]);
  });

  it("renew a thousand leases at once, and say which is lost", async () => {
    const { runtime, store, join } = world();
    const { leases } = join();
    const names = Array.from({ length: 1_000 }, (_, index) => `m/${index}`);
    const asked = Promise.all(names.map((name) => leases.acquire(name, claim("me"))));
    const grants = (await settled(runtime, asked, 100)).filter((one): one is Grant => one.granted);
    store.delete("m/7", undefined, "by hand");
    const renewals = await settled(runtime, leases.renew(grants), 1_000);
    expect(renewals.filter((one) => one === "renewed")).toHaveLength(999);
    expect(renewals[7]).toBe("lost");
  });

  it("leave a record that is not theirs as it is", async () => {
    const { runtime, store, join } = world();
    store.put("job", Buffer.from("precious"), undefined, "other");
    const { leases } = join();
    const calls = [
      () => leases.acquire("job", claim("a")),
      () => leases.inspect("job"),
      () => leases.release({ name: "job", owner: "a" }),
    ];
    for (const call of calls) {
      const error = await settled(
        runtime,
        call().catch((reason: unknown) => reason),
      );
      expect(isQuorateError(error, "RECORD_INVALID") && error.effect).toBe("none");
    }
    expect(Buffer.from(store.entries.get("job")?.value ?? []).toString()).toBe("precious");
  });

  it("refuse more claims than the record holds, and serve those it has", async () => {
    const { runtime, join } = world();
    const { leases } = join({ maxRecordBytes: 2_000 });
    const first = await granted(runtime, leases.acquire("job", claim("a")));
    const waits = Array.from({ length: 30 }, (_, index) =>
      leases
        .acquire("job", claim(`b${index}`, { waitMs: 1_000 }))
        .catch((reason: unknown) => reason),
    );
    await runtime.advance(10);
    void leases.release(first);
    const answers = await settled(runtime, Promise.all(waits), 2_000);
    const refused = answers.filter((answer) => isQuorateError(answer, "STORE_REFUSED"));
    expect(refused.length).toBeGreaterThan(10);
    expect(String(refused[0])).toContain("waiters fill its record");
    expect(answers.filter((answer) => !(answer instanceof Error)).length).toBeGreaterThan(5);
  });

  it.each([
    ["prefix", { prefix: "a" }],
    ["minTtlMs", { minTtlMs: 0 }],
    ["claimWindowMs", { claimWindowMs: Number.NaN }],
    ["maxRecordBytes", { maxRecordBytes: 2 ** 30 }],
    ["skewAllowanceMs", { skewAllowanceMs: -1 }],
    ["requestTimeoutMs", { requestTimeoutMs: Infinity }],
    ["ageMs", { ageMs: 5 as never }],
  ])("refuse a bad %s by name", (name, options) => {
    expect(() => world().join(options)).toThrow(name);
  });

  it("end waits and watches when the engine closes, and refuse what comes after", async () => {
    const { runtime, join } = world();
    const lifecycle = new Lifecycle("the engine", runtime);
    const { leases } = join({ lifecycle });
    await granted(runtime, leases.acquire("job", claim("a")));
    const wait = leases
      .acquire("job", claim("b", { waitMs: Infinity }))
      .catch((reason: unknown) => reason);
    const watch = (async () => {
      for await (const event of leases.watch("")) void event;
    })().catch((reason: unknown) => reason);
    await runtime.advance(10);
    const closed = lifecycle.close(1_000, () => {});
    expect(isQuorateError(await settled(runtime, wait), "CLOSED")).toBe(true);
    expect(isQuorateError(await settled(runtime, watch), "CLOSED")).toBe(true);
    await settled(runtime, closed);
    const late = await leases.acquire("job", claim("c")).catch((reason: unknown) => reason);
    expect(isQuorateError(late, "CLOSED")).toBe(true);
    await runtime.advance(5_000);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("leave no timer, watch or record behind after hundreds of cycles", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    for (let round = 0; round < 300; round++) {
      const grant = await granted(runtime, one.leases.acquire("job", claim(`a${round}`)), 10);
      const second = two.leases.acquire("job", claim(`b${round}`, { waitMs: 1_000 }));
      await runtime.advance(5);
      void one.leases.release(grant);
      void two.leases.release(await granted(runtime, second, 10));
      await runtime.advance(5);
    }
    await runtime.advance(5_000);
    expect([runtime.pendingTimers, store.feeds.size, store.entries.size]).toEqual([0, 0, 0]);
  });
});
