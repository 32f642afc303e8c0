import { describe, expect, it } from "vitest";

import { isQuorateError, QuorateError } from "../index.ts";
import type { Grant, LeaseRequest } from "../index.ts";
import { granted, settled, world } from "./world.fixture.ts";

const claim = (owner: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  owner,
  ttlMs: 10_000,
  ...more,
});

describe("leases over a kv that does not answer", () => {
  it("say STORE_UNAVAILABLE where nothing was sent", async () => {
    const { runtime, join } = world();
    const { link, leases } = join();
    link.down = true;
    const error = await settled(
      runtime,
      leases.acquire("job", claim("a")).catch((reason: unknown) => reason),
    );
    expect(isQuorateError(error, "STORE_UNAVAILABLE") && error.effect).toBe("none");
  });

  it("find out within the deadline what became of a claim whose answer was lost", async () => {
    const { runtime, store, join } = world();
    const { link, leases } = join();
    let lost = 1;
    link.faults.loseReply = () => lost-- > 0;
    const grant = await granted(runtime, leases.acquire("job", claim("a")), 4_000);
    expect(store.entries.size).toBe(1);
    // Its end is counted from the last write that was answered.
    expect(grant.validUntilMs).toBeGreaterThan(10_000);
    expect(await settled(runtime, leases.renew([grant]))).toEqual(["renewed"]);
  });

  it("answer 'released' where the answer to the release was lost", async () => {
    const { runtime, store, join } = world();
    const { link, leases } = join();
    const grant = await granted(runtime, leases.acquire("job", claim("a")));
    let lost = 1;
    link.faults.loseReply = () => lost-- > 0;
    expect(await settled(runtime, leases.release(grant), 4_000)).toBe("released");
    expect(store.entries.size).toBe(0);
  });

  it("say OUTCOME_UNKNOWN after the deadline, and can settle it later", async () => {
    const { runtime, store, join } = world();
    const { link, leases } = join();
    link.faults.loseReply = () => true;
    const error = await settled(
      runtime,
      leases.acquire("job", claim("a", { timeoutMs: 1_000 })).catch((reason: unknown) => reason),
      1_010,
    );
    if (!isQuorateError(error, "OUTCOME_UNKNOWN")) throw new Error(`not unknown: ${String(error)}`);
    expect(error.effect).toBe("unknown");
    expect(store.entries.size).toBe(1);
    link.faults.loseReply = () => false;
    expect(await settled(runtime, error.resolve?.() ?? Promise.reject(error), 2_000)).toBe(
      "applied",
    );
    // By its owner alone, as the grant is not known.
    expect(await settled(runtime, leases.release({ name: "job", owner: "a" }))).toBe("released");
    expect(store.entries.size).toBe(0);
  });

  it("keep a straggler from landing once its outcome was settled", async () => {
    const { runtime, store, join } = world();
    const { link, leases } = join();
    let late = 1;
    link.faults.lateMs = () => (late-- > 0 ? 4_000 : 0);
    const error = await settled(
      runtime,
      leases.acquire("job", claim("a", { timeoutMs: 1_000 })).catch((reason: unknown) => reason),
      1_010,
    ).catch((reason: unknown) => reason);
    // Settled within the deadline: the claim was made again and holds.
    expect(error).toMatchObject({ granted: true });
    void leases.release(error as Grant);
    await runtime.advance(10_000);
    expect(store.entries.size).toBe(0);
  });

  it("renew after a lost answer without losing the lease", async () => {
    const { runtime, join } = world();
    const { link, leases } = join();
    const grant = await granted(runtime, leases.acquire("job", claim("a")));
    let lost = 1;
    link.faults.loseReply = () => lost-- > 0;
    expect(await settled(runtime, leases.renew([grant]), 4_000)).toEqual(["renewed"]);
  });

  it("throw from renew while nobody knows, instead of saying lost", async () => {
    const { runtime, join } = world();
    const { link, leases } = join();
    const grants = [
      await granted(runtime, leases.acquire("one", claim("a"))),
      await granted(runtime, leases.acquire("two", claim("a"))),
    ];
    link.faults.loseReply = () => true;
    const renewal = leases.renew(grants, { timeoutMs: 1_000 }).catch((reason: unknown) => reason);
    const error = await settled(runtime, renewal, 1_010);
    expect(isQuorateError(error, "OUTCOME_UNKNOWN")).toBe(true);
    link.faults.loseReply = () => false;
    link.down = true;
    const down = await settled(
      runtime,
      leases.renew(grants).catch((reason: unknown) => reason),
      6_000,
    );
    expect(down).toBeInstanceOf(QuorateError);
    link.down = false;
    expect(await settled(runtime, leases.renew(grants), 5_000)).toEqual(["renewed", "renewed"]);
  });

  it("go on after the store forgot everything and its revisions went back", async () => {
    const { runtime, store, join } = world();
    const [one, two] = [join(), join()];
    const grant = await granted(runtime, one.leases.acquire("job", claim("a")));
    const wait = two.leases.acquire("job", claim("b", { waitMs: 60_000 }));
    await runtime.advance(20);
    store.entries.clear();
    store.revision = 5;
    expect(await settled(runtime, one.leases.renew([grant]))).toEqual(["lost"]);
    const again = await granted(runtime, one.leases.acquire("job", claim("c")));
    expect(again.fencingToken).toBeLessThan(grant.fencingToken); // The HAZARD, as documented.
    const three = join();
    void three.leases.acquire("job", claim("d", { waitMs: 1_000 }));
    await runtime.advance(20);
    // Of that claim it did not know: the store's answer has an older revision than it has seen.
    expect(await settled(runtime, one.leases.release(again))).toBe("released");
    void three.leases.release({ name: "job", owner: "d" });
    expect((await granted(runtime, wait, 15_000)).owner).toBe("b");
  });

  it("end a renewal of many at its deadline or by its signal, and send no more", async () => {
    const { runtime, join } = world();
    const { link, leases } = join();
    const asked = Array.from({ length: 200 }, (_, index) =>
      leases.acquire(`m/${index}`, claim("me", { ttlMs: 600_000 })),
    );
    const grants = await Promise.all(asked.map((one) => granted(runtime, one, 100)));
    link.faults.loseReply = () => true;
    const control = new AbortController();
    const { signal } = control;
    const cut = leases.renew(grants, { signal }).catch((reason: unknown) => reason);
    await runtime.advance(10);
    control.abort();
    const aborted = await settled(runtime, cut);
    expect(isQuorateError(aborted, "ABORTED") && aborted.effect).toBe("unknown");
    link.faults.loseReply = () => false;
    await runtime.advance(20_000);
    link.faults.loseReply = () => true;
    const before = link.operations;
    const late = leases.renew(grants, { timeoutMs: 500 }).catch((reason: unknown) => reason);
    const error = await settled(runtime, late, 510);
    expect(isQuorateError(error, "OUTCOME_UNKNOWN")).toBe(true);
    await runtime.advance(20_000);
    // The 64 that were under way, and what it takes to settle them; not the 136 behind them.
    expect(link.operations - before).toBeLessThan(4 * 64);
  });

  it("settle every call by its deadline, whatever the store does", async () => {
    const { runtime, join } = world();
    const { link, leases } = join();
    link.faults.delayMs = () => 1e9;
    const call = { timeoutMs: 700 };
    const grant = { name: "job", owner: "a", fencingToken: 5 };
    const calls = [
      leases.acquire("job", claim("a", call)),
      leases.renew(
        [{ ...grant, granted: true, weight: 1, ttlMs: 100, validUntilMs: 0, validUntilWallMs: 0 }],
        call,
      ),
      leases.release(grant, call),
      leases.inspect("job", call).catch(() => {}),
      leases.list("", call)[Symbol.asyncIterator]().next(),
    ];
    const ends = calls.map((one) =>
      one.then(
        () => "settled",
        () => "settled",
      ),
    );
    expect(await settled(runtime, Promise.all(ends), 710)).toEqual(ends.map(() => "settled"));
  });
});
