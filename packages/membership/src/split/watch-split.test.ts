import { Feed } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Member, Membership, MembershipEvent, MemberState } from "../membership.ts";
import type { SplitVerdict } from "./resolve.ts";
import { SplitTimer } from "./split-timer.ts";
import { keepMajority, keepOldest, leaseMajority } from "./strategies.ts";
import { type SplitWatch, type SplitWatchOptions, watchSplit } from "./watch-split.ts";

const STABLE_MS = 1_000;

/** A membership whose news the test writes. */
class Script implements Membership {
  readonly self: Member;
  readonly members: readonly Member[] = [];
  readonly feed = new Feed<MembershipEvent>();

  constructor(self: string) {
    this.self = memberOf(self);
    this.feed.push("synced", { kind: "synced" });
  }

  tell(id: string, state: MemberState): void {
    const kind = ({ alive: "joined", suspect: "suspected", down: "down", left: "left" } as const)[
      state
    ];
    this.feed.push(`m/${id}`, { kind, member: memberOf(id, state) });
  }

  member(): undefined {
    return undefined;
  }
  watch(): Feed<MembershipEvent> {
    return this.feed;
  }
  update(): Promise<void> {
    return Promise.resolve();
  }
  leave(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.feed.end();
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function memberOf(id: string, state: MemberState = "alive"): Member {
  return { id, incarnation: 1, state, sinceMs: 0, address: "", data: "" };
}

let runtime: ScriptedRuntime;
let watches: SplitWatch[];

beforeEach(() => {
  runtime = new ScriptedRuntime();
  watches = [];
});

afterEach(async () => {
  for (const watch of watches) {
    const closing = watch.close();
    await runtime.advance(0);
    await closing;
  }
});

/** Process `self` of a, b and c, all alive, and its verdicts. */
async function follow(
  self: string,
  options: Partial<SplitWatchOptions> = {},
): Promise<{ readonly script: Script; readonly verdicts: SplitVerdict[] }> {
  const script = new Script(self);
  const verdicts: SplitVerdict[] = [];
  const watch = watchSplit(script, {
    runtime,
    strategy: keepMajority(),
    stableAfterMs: STABLE_MS,
    downAllAfterMs: 500,
    onVerdict: (verdict) => void verdicts.push(verdict),
    ...options,
  });
  watches.push(watch);
  for (const id of ["a", "b", "c"]) script.tell(id, "alive");
  await runtime.advance(0);
  return { script, verdicts };
}

describe("a split watch", () => {
  it("waits until nothing has changed for a while, then ends the others", async () => {
    const { script, verdicts } = await follow("a");
    script.tell("c", "suspect");
    script.tell("c", "down");
    await runtime.advance(STABLE_MS - 1);
    expect(verdicts).toEqual([]);
    await runtime.advance(1);
    expect(verdicts).toMatchObject([{ kind: "downOthers", down: ["c"] }]);
    expect(watches[0]?.verdict?.kind).toBe("downOthers");
    await runtime.advance(10 * STABLE_MS);
    expect(verdicts).toHaveLength(1);
  });

  it("ends itself in the minority, and says no more then", async () => {
    const { script, verdicts } = await follow("a");
    script.tell("b", "down");
    await runtime.advance(STABLE_MS / 2);
    script.tell("c", "down");
    await runtime.advance(STABLE_MS - 1);
    expect(verdicts).toEqual([]); // The second one began the wait afresh.
    await runtime.advance(1);
    expect(verdicts).toMatchObject([{ kind: "downSelf" }]);
    script.tell("b", "alive");
    await runtime.advance(10 * STABLE_MS);
    expect(verdicts).toHaveLength(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("does nothing about a cut that heals, and counts nobody who said goodbye", async () => {
    const { script, verdicts } = await follow("b");
    script.tell("a", "down");
    await runtime.advance(STABLE_MS / 2);
    script.tell("a", "alive");
    script.tell("c", "left");
    await runtime.advance(10 * STABLE_MS);
    expect(verdicts).toEqual([]);
    // Of the two that are left a has the least id; with c, this side would be the larger one.
    script.tell("a", "down");
    await runtime.advance(STABLE_MS);
    expect(verdicts).toMatchObject([{ kind: "downSelf" }]);
  });

  it("counts those no more that it has ended", async () => {
    const { script, verdicts } = await follow("a");
    script.tell("c", "down");
    await runtime.advance(STABLE_MS);
    script.tell("b", "down");
    await runtime.advance(STABLE_MS);
    // One of two with the least id, and not one of three.
    expect(verdicts).toMatchObject([{ down: ["c"] }, { kind: "downOthers", down: ["b"] }]);
  });

  it("ends all when it does not come to rest", async () => {
    const { script, verdicts } = await follow("a");
    for (let flap = 0; flap < 8; flap++) {
      script.tell("c", "down");
      script.tell(flap % 2 === 0 ? "b" : "d", "down");
      await runtime.advance(STABLE_MS / 4);
      script.tell(flap % 2 === 0 ? "b" : "d", "alive");
      await runtime.advance(STABLE_MS / 4);
    }
    expect(verdicts).toMatchObject([{ kind: "downAll", reason: "not stable for 1750 ms" }]);
  });

  it("decides nothing while its membership is stale", async () => {
    const { script, verdicts } = await follow("a");
    script.tell("c", "down");
    script.feed.push("synced", { kind: "stale", sinceMs: 0 });
    await runtime.advance(10 * STABLE_MS);
    expect(verdicts).toEqual([]);
    script.feed.push("synced", { kind: "synced" });
    await runtime.advance(STABLE_MS);
    expect(verdicts).toHaveLength(1);
  });

  it("begins the wait afresh after its own pause", async () => {
    const { script, verdicts } = await follow("a");
    script.tell("b", "down");
    script.tell("c", "down");
    await runtime.advance(STABLE_MS / 2);
    runtime.stall(60_000);
    await runtime.advance(STABLE_MS / 2);
    expect(verdicts).toEqual([]); // The news that c is alive waits in the socket.
    script.tell("b", "alive");
    script.tell("c", "alive");
    await runtime.advance(10 * STABLE_MS);
    expect(verdicts).toEqual([]);
  });

  it("publishes what the callback throws, and what was decided", async () => {
    const onVerdict = (): never => {
      throw new Error("no");
    };
    const { script } = await follow("a", { onVerdict });
    script.tell("c", "down");
    await runtime.advance(STABLE_MS);
    const events = runtime.recorded.filter(({ name }) => name.startsWith("split."));
    expect(events).toMatchObject([
      { name: "split.verdict", event: { self: "a", kind: "downOthers", down: 1 } },
      { name: "split.failed", event: { operation: "callback", code: "UNKNOWN" } },
    ]);
  });

  it("refuses bad options by name", async () => {
    await expect(follow("a", { strategy: keepOldest() })).rejects.toThrow(/joinedOf/);
    await expect(follow("a", { strategy: leaseMajority() })).rejects.toThrow(/lease/);
    await expect(follow("a", { stableAfterMs: 0 })).rejects.toThrow(/stableAfterMs/);
    await expect(follow("a", { onDecision: 1 } as never)).rejects.toThrow(/INVALID_ARGUMENT/);
  });
});

describe("with a lease", () => {
  const strategy = leaseMajority({ minorityDelayMs: 500 });
  let backend: MemoryBackend;

  beforeEach(() => {
    backend = memoryBackend({ store: createMemoryStore({ runtime }), runtime });
  });

  it("one side stays, all of it, whoever is in the majority", async () => {
    const lease = { store: backend.leases, name: "split" };
    const a = await follow("a", { strategy, lease });
    const b = await follow("b", { strategy, lease });
    const c = await follow("c", { strategy, lease });
    for (const { script } of [a, b]) script.tell("c", "down");
    for (const id of ["a", "b"]) c.script.tell(id, "down");
    await runtime.advance(STABLE_MS + 10);
    // Two processes of one side, one claim.
    expect(a.verdicts).toMatchObject([{ kind: "downOthers", down: ["c"] }]);
    expect(b.verdicts).toMatchObject([{ kind: "downOthers", down: ["c"] }]);
    expect(c.verdicts).toEqual([]);
    await runtime.advance(500);
    expect(c.verdicts).toMatchObject([{ kind: "downSelf" }]);
  });

  it("the minority stays when the majority is dead", async () => {
    const c = await follow("c", { strategy, lease: { store: backend.leases, name: "split" } });
    for (const id of ["a", "b"]) c.script.tell(id, "down");
    await runtime.advance(STABLE_MS + 510);
    expect(c.verdicts).toMatchObject([{ kind: "downOthers", down: ["a", "b"] }]);
  });

  it("who cannot reach the store goes", async () => {
    const a = await follow("a", { strategy, lease: { store: backend.leases, name: "split" } });
    backend.faults.cut();
    a.script.tell("c", "down");
    await runtime.advance(STABLE_MS + 10_000);
    expect(a.verdicts).toMatchObject([{ kind: "downSelf" }]);
    expect(runtime.recorded).toContainEqual({
      name: "split.failed",
      event: { self: "a", operation: "lease", code: "STORE_UNAVAILABLE" },
    });
  });
});

describe("a split timer", () => {
  it("sets no alarm while all is well, and one decision for one state of affairs", () => {
    const timer = new SplitTimer({ strategy: keepMajority(), stableAfterMs: 100 });
    const view = (reach: "reachable" | "unreachable") => ({
      self: "a",
      members: [
        { id: "a", standing: "up", reach: "reachable" } as const,
        { id: "b", standing: "up", reach } as const,
      ],
    });
    expect(timer.see(view("reachable"), 0)).toBeUndefined();
    expect(timer.wakeMs).toBe(Infinity);
    timer.see(view("unreachable"), 10);
    expect(timer.wakeMs).toBe(110);
    timer.see(view("unreachable"), 50);
    expect(timer.wakeMs).toBe(110);
    expect(timer.tick(109)).toBeUndefined();
    expect(timer.tick(110)?.kind).toBe("downOthers");
    expect(timer.see(view("unreachable"), 120)).toBeUndefined();
    expect(timer.wakeMs).toBe(Infinity);
  });
});
