import { describe, expect, it } from "vitest";
import { client } from "../client/client.ts";
import type { PresenceOptions } from "./presence-options.ts";
import type { ServeOptions } from "../server/options.ts";
import { serve } from "../server/serve.ts";
import { Ledger, type TestProcess, World } from "../ledger-world.fixture.ts";

const LEASE_MS = 3_000;

/** A server whose `wait` runs until its signal aborts, and says then who was aborted, and why. */
async function waiting(options: ServeOptions = {}) {
  const world = new World();
  const there = world.process();
  const ended: { readonly who: string; readonly why: unknown; readonly atMs: number }[] = [];
  const nowMs = (): number => world.runtime.time.monotonicMs();
  const server = await serve(
    there.backend,
    Ledger,
    {
      wait: async (who, call) => {
        try {
          await world.work(36_000_000, call.signal);
        } catch (error) {
          ended.push({ who, why: error, atMs: nowMs() });
          throw error;
        }
        return who;
      },
      pay: () => ({ receipt: "" }),
      count: async function* (_, call) {
        yield 1;
        await world.work(3_600_000, call.signal).catch((error: unknown) => {
          ended.push({ who: "stream", why: error, atMs: nowMs() });
        });
      },
    },
    options,
  );
  /** A client that has called `wait`, after it was granted its lease. */
  const caller = async (who: string, presence: PresenceOptions | false = {}, calls = 2) => {
    const process = world.process();
    const given = presence === false ? presence : { leaseMs: LEASE_MS, ...presence };
    const ledger = client(process.backend, Ledger, { presence: given, tries: 1 });
    void ledger.wait(`${who}, before its lease`).catch(() => {});
    await world.runtime.advance(10);
    if (calls > 1) void ledger.wait(who).catch(() => {});
    await world.runtime.advance(10);
    return { process, ledger };
  };
  return { world, there, server, ended, caller, nowMs };
}

/** What a crash is to the others: it says nothing and hears nothing any more. */
function kill(process: TestProcess): void {
  process.memory.faults.cut();
}

describe("calls of a dead client", () => {
  it("are aborted within its lease and a second", async () => {
    const { world, server, ended, caller, nowMs } = await waiting();
    const { process } = await caller("a");
    const killedMs = nowMs();
    kill(process);
    await world.runtime.advance(LEASE_MS + 1_000);
    expect(ended.map(({ who }) => who)).toContain("a");
    expect(ended.at(-1)?.why).toMatchObject({ code: "ABORTED", effect: "unknown" });
    expect((ended.at(-1)?.atMs ?? 0) - killedMs).toBeLessThanOrEqual(LEASE_MS + 1_000);
    expect(server.stats.running).toBe(0);
    expect(world.events("rpc.orphans")).toMatchObject([{ kind: "aborted", reason: "expired" }]);
  });

  it("are aborted though the only one was sent before the lease was there", async () => {
    const { world, server, ended, caller } = await waiting();
    const { process } = await caller("a", {}, 1);
    kill(process);
    await world.runtime.advance(LEASE_MS + 1_000);
    expect(ended.map(({ who }) => who)).toEqual(["a, before its lease"]);
    expect(server.stats.running).toBe(0);
  });

  it("are aborted at once when it says goodbye, also those sent before its lease", async () => {
    const { world, server, ended, caller } = await waiting();
    const { ledger } = await caller("a");
    const closing = ledger.close({ graceMs: 10 });
    await world.outcome(closing);
    await world.runtime.advance(10);
    expect(ended).toHaveLength(2);
    expect(server.stats.running).toBe(0);
  });

  it("go on while it lives, however long", async () => {
    const { world, ended, caller } = await waiting();
    await caller("a");
    await world.runtime.advance(10 * LEASE_MS);
    expect(ended).toEqual([]);
  });

  it("finish where the server was told so", async () => {
    const { world, server, ended, caller } = await waiting({ orphans: "finish" });
    const { process } = await caller("a");
    kill(process);
    await world.runtime.advance(5 * LEASE_MS);
    expect([ended, server.stats.running]).toEqual([[], 2]);
  });

  it("end by their deadline alone where the client holds no lease", async () => {
    const { world, ended, caller } = await waiting();
    const { process } = await caller("a", false);
    kill(process);
    await world.runtime.advance(5 * LEASE_MS);
    expect(ended).toEqual([]);
    await world.runtime.advance(3_600_000);
    expect(ended).toHaveLength(2);
  });

  it("end at once when the client of that name is restarted", async () => {
    const { world, ended, caller } = await waiting();
    const before = await caller("before", { name: "shop" }, 1);
    kill(before.process);
    await caller("after", { name: "shop" });
    await world.runtime.advance(100);
    expect(ended.map(({ who }) => who)).toEqual(["before, before its lease"]);
    expect(world.events("rpc.orphans")).toMatchObject([{ reason: "reincarnated", calls: 1 }]);
    await world.runtime.advance(5 * LEASE_MS);
    expect(ended.some(({ who }) => who.startsWith("after"))).toBe(false);
  });

  it("are not begun when they come from a life that another has followed", async () => {
    const { world, caller } = await waiting();
    const older = await caller("older", { name: "shop" });
    await caller("younger", { name: "shop" });
    expect(await world.outcome(older.ledger.wait("late"), 1_000)).toMatchObject({
      error: { code: "ABORTED", effect: "none" },
    });
  });

  it("include streams", async () => {
    const { world, ended, caller } = await waiting();
    const { ledger, process } = await caller("a");
    await world.outcome(ledger.count({ to: 1 }).next());
    await world.runtime.advance(10);
    kill(process);
    await world.runtime.advance(LEASE_MS + 1_000);
    expect(ended.map(({ who }) => who)).toContain("stream");
  });
});

describe("an outage of the store", () => {
  it("aborts nobody whose client claims its lease anew, though the old one ended", async () => {
    const { world, there, ended, caller } = await waiting();
    const { process } = await caller("a");
    kill(process);
    kill(there);
    await world.runtime.advance(2 * LEASE_MS);
    there.memory.faults.restore();
    process.memory.faults.restore();
    await world.runtime.advance(60_000);
    expect(ended).toEqual([]);
    expect(world.events("rpc.orphans")).toMatchObject([{ kind: "stale" }, { kind: "synced" }]);
  });

  it("aborts those whose client did not come back with the store, after a grace time", async () => {
    const { world, there, ended, caller } = await waiting();
    const { process } = await caller("a");
    kill(process);
    kill(there);
    await world.runtime.advance(2 * LEASE_MS);
    there.memory.faults.restore();
    await world.runtime.advance(10_000);
    expect(ended).toEqual([]);
    await world.runtime.advance(6_000);
    expect(ended.map(({ who }) => who)).toContain("a");
  });

  it("keeps no call waiting that is made during it", async () => {
    const world = new World();
    const process = world.process();
    await serve(world.process().backend, Ledger, {
      wait: (who) => who,
      pay: () => ({ receipt: "" }),
      count: async function* () {},
    });
    const leases = { ...process.backend.leases, acquire: () => new Promise<never>(() => {}) };
    const ledger = client({ ...process.backend, leases }, Ledger);
    expect(await world.outcome(ledger.wait("x"), 100)).toMatchObject({ value: "x" });
  });
});
