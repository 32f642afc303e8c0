/**
 * What NATS servers and networks do to us, and what callers are told of it.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import type { Harness, HarnessFaults } from "@quorate/conformance";
import { type Backend, isQuorateError, type QuorateError } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { natsHarness } from "./support/nats-harness.ts";
import { increment, type Tally } from "./support/nats-load.ts";

const TTL_MS = 10_000;

let harness: Harness;
let faults: HarnessFaults;

beforeAll(async () => {
  harness = await natsHarness({ version: "2.15", client: "@nats-io/transport-node" });
  faults = harness.faults as HarnessFaults;
});

afterAll(() => harness.close());

async function failureOf(call: Promise<unknown>): Promise<QuorateError> {
  const error: unknown = await call.then(
    (value) => expect.fail(`should have failed, came to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!isQuorateError(error)) throw error;
  return error;
}

async function grantOf(backend: Backend, name: string) {
  const owner = backend.runtime.ids.unique();
  const grant = await backend.leases.acquire(name, { owner, ttlMs: TTL_MS });
  if (!grant.granted) throw new Error(`${name} should have been free`);
  return grant;
}

describe("a lost reply", () => {
  it("is asked for again, and the first answer comes back", async () => {
    const backend = await harness.open();
    for (let round = 0; round < 5; round++) {
      await faults.loseNextReply(backend);
      const result = await backend.kv.put(`lost/${round}`, "mine", { expect: "absent" });
      expect(result.ok).toBe(true);
    }
    const entry = await backend.kv.get("lost/0");
    await faults.loseNextReply(backend);
    const deleted = await backend.kv.delete("lost/0", { expect: entry?.revision ?? 0 });
    expect(deleted.ok).toBe(true);
    expect(await backend.kv.get("lost/0")).toBeUndefined();
    await backend.close();
  });

  it("to a write that was overwritten since is still told as a yes", async () => {
    const [victim, rival] = [await harness.open(), await harness.open()];
    await rival.kv.put("contended", "first");
    for (let round = 1; round <= 5; round++) {
      const { revision } = (await rival.kv.get("contended")) ?? {};
      await faults.loseNextReply(victim);
      const mine = victim.kv.put("contended", `mine ${round}`, { expect: revision ?? 0 });
      await vi.waitFor(async () => {
        const { value } = (await rival.kv.get("contended")) ?? {};
        expect(Buffer.from(value ?? []).toString()).toBe(`mine ${round}`);
      });
      const theirs = await rival.kv.put("contended", `theirs ${round}`);
      const result = await mine;
      if (!result.ok || !theirs.ok) throw new Error("both writes happened, one after the other");
      expect(result.entry.revision).toBeLessThan(theirs.entry.revision);
    }
    await Promise.all([victim.close(), rival.close()]);
  });
});

describe("links that are cut all the time", () => {
  it("let no write be told wrongly", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    const backends = await Promise.all([1, 2, 3].map(() => harness.open()));
    const endMs = performance.now() + 4_000;
    const done = (): boolean => performance.now() > endMs;
    const shared = backends.map((backend) => increment(backend, "cut/shared", done));
    const own = backends.map((backend, index) => increment(backend, `cut/own${index}`, done));
    while (!done()) {
      await new Promise((resolve) => setTimeout(resolve, 20 + random.next() * 150));
      const victim = backends[Math.floor(random.next() * backends.length)];
      if (victim !== undefined) await faults.resetLink(victim);
    }
    const judge = async (key: string, tallies: readonly Tally[]): Promise<number> => {
      const value = (await backends[0]?.kv.get(key, { timeoutMs: 5_000 }))?.value;
      const final = Number(Buffer.from(value ?? []).toString());
      const sure = tallies.reduce((sum, { acked, recovered }) => sum + acked + recovered, 0);
      const unknown = tallies.reduce((sum, tally) => sum + tally.unknown, 0);
      expect(final, `seed ${seed}`).toBeGreaterThanOrEqual(sure);
      expect(final, `seed ${seed}`).toBeLessThanOrEqual(sure + unknown);
      return unknown;
    };
    await judge("cut/shared", await Promise.all(shared));
    for (const [index, tally] of (await Promise.all(own)).entries()) {
      // Nobody else writes here, so everything can be settled.
      expect(await judge(`cut/own${index}`, [tally]), `seed ${seed}`).toBe(0);
      expect(tally.acked).toBeGreaterThan(0);
    }
    await Promise.all(backends.map((backend) => backend.close()));
  });
});

describe("a straggler", () => {
  it.each(["absent", "there"])("never lands once it was settled (key %s)", async (state) => {
    const [backend, other] = [await harness.open({ requestTimeoutMs: 600 }), await harness.open()];
    const key = `straggler/${state}`;
    if (state === "there") await other.kv.put(key, "old");
    const before = await other.kv.get(key);
    const expectation = before === undefined ? "absent" : before.revision;
    const release = await faults.holdNextRequest(backend);
    const error = await failureOf(backend.kv.put(key, "late", { expect: expectation }));
    expect(error.code).toBe("OUTCOME_UNKNOWN");
    await faults.restoreLink(backend);
    for (let asked = 0; asked < 3; asked++) expect(await error.resolve?.()).toBe("none");
    await release();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const value = (await other.kv.get(key))?.value;
    expect(value && Buffer.from(value).toString()).toBe(state === "there" ? "old" : undefined);
    await Promise.all([backend.close(), other.close()]);
  });

  it("that landed first is told as applied", async () => {
    const [backend, other] = [await harness.open({ requestTimeoutMs: 600 }), await harness.open()];
    const release = await faults.holdNextRequest(backend);
    const error = await failureOf(backend.kv.put("landed", "late", { expect: "absent" }));
    await release();
    await faults.restoreLink(backend);
    expect(await error.resolve?.()).toBe("applied");
    expect(Buffer.from((await other.kv.get("landed"))?.value ?? []).toString()).toBe("late");
    await Promise.all([backend.close(), other.close()]);
  });

  it("that was overwritten since is told as unknown", async () => {
    const [backend, other] = [await harness.open({ requestTimeoutMs: 600 }), await harness.open()];
    const release = await faults.holdNextRequest(backend);
    const error = await failureOf(backend.kv.put("over", "late", { expect: "absent" }));
    await other.kv.put("over", "theirs", { expect: "absent" });
    await faults.restoreLink(backend);
    // However often it is asked: the question itself must not be taken for the lost write.
    for (let asked = 0; asked < 3; asked++) expect(await error.resolve?.()).toBe("unknown");
    await release();
    expect(Buffer.from((await other.kv.get("over"))?.value ?? []).toString()).toBe("theirs");
    await Promise.all([backend.close(), other.close()]);
  });
});

describe("a frozen server", () => {
  it("lets every call end within its deadline, and is noticed", async () => {
    const backend = await harness.open();
    const timeoutMs = 700;
    await backend.kv.put("frozen", "before");
    await backend.bus.subscribe("frozen", () => {});
    const frozen = new Promise<void>((resolve) => {
      const channel = backend.runtime.events.channel<{ kind: string }>("nats") as unknown as {
        subscribe(listener: (event: { kind: string }) => void): void;
      };
      channel.subscribe((event) => event.kind === "link-frozen" && resolve());
    });
    await faults.freeze();
    const startedMs = performance.now();
    const calls = [
      backend.kv.get("frozen", { timeoutMs }),
      backend.kv.put("frozen", "x", { timeoutMs }),
      backend.kv.put("frozen/2", "x", { expect: "absent", timeoutMs }),
      backend.kv.delete("frozen", { timeoutMs }),
      backend.kv.list("frozen", { timeoutMs })[Symbol.asyncIterator]().next(),
      backend.leases.acquire("frozen", { owner: "o", ttlMs: TTL_MS, timeoutMs }),
      backend.leases.inspect("frozen", { timeoutMs }),
      backend.bus.request("frozen", new Uint8Array(1), { timeoutMs }),
    ];
    const outcomes = await Promise.allSettled(calls);
    const spentMs = performance.now() - startedMs;
    const health = await backend.health({ timeoutMs });
    try {
      expect(outcomes.map(({ status }) => status)).toEqual(calls.map(() => "rejected"));
      expect(spentMs).toBeLessThan(timeoutMs + 1_500);
      expect(health.ok).toBe(false);
      for (const outcome of outcomes) {
        expect(outcome.status === "rejected" && isQuorateError(outcome.reason)).toBe(true);
      }
      // The client itself would ask only after five seconds here, and two minutes by default.
      await frozen;
    } finally {
      await faults.thaw();
    }
    expect(await backend.kv.put("frozen/3", "after", { timeoutMs: 10_000 })).toMatchObject({
      ok: true,
    });
    await backend.close();
  });
});

describe("a server that dies and comes back", () => {
  it("has what it acknowledged, and revisions go on", async () => {
    const backend = await harness.open({ requestTimeoutMs: 10_000 });
    const put = await backend.kv.put("durable", "kept");
    const grant = await grantOf(backend, "durable");
    await faults.killServer();
    const down = await failureOf(backend.kv.put("durable", "x", { timeoutMs: 300 }));
    expect(down.effect === "none" || down.code === "OUTCOME_UNKNOWN").toBe(true);
    const waiting = backend.kv.get("durable");
    await faults.restartServer();
    const entry = await waiting;
    expect(entry?.revision).toBe(put.ok && put.entry.revision);
    expect(await backend.leases.renew([grant])).toEqual(["renewed"]);
    const next = await backend.kv.put("durable", "more");
    expect(next.ok && put.ok && next.entry.revision > put.entry.revision).toBe(true);
    await backend.close();
  });

  it("was never handed a call made while it was down", async () => {
    const [backend, other] = [await harness.open(), await harness.open()];
    await faults.cutLink(backend);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const error = await failureOf(
      backend.kv.put("never", "sent", { expect: "absent", timeoutMs: 300 }),
    );
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", effect: "none" });
    await faults.restoreLink(backend);
    await backend.kv.get("never");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await other.kv.get("never")).toBeUndefined();
    await Promise.all([backend.close(), other.close()]);
  });
});

describe("a stream deleted under us", () => {
  it("is made anew, and revisions and tokens still grow", async () => {
    const [backend, other] = [await harness.open(), await harness.open()];
    for (let index = 0; index < 50; index++) await backend.kv.put("flushed", `${index}`);
    const before = await backend.kv.put("flushed", "last");
    const grant = await grantOf(backend, "flushed");
    await faults.flush();
    const after = await backend.kv.put("flushed", "new");
    expect(before.ok && after.ok && after.entry.revision > before.entry.revision).toBe(true);
    const next = await grantOf(other, "flushed");
    expect(next.fencingToken).toBeGreaterThan(grant.fencingToken);
    await Promise.all([backend.close(), other.close()]);
  });
});
