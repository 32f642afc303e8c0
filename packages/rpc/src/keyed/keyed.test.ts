import { createIdempotency } from "@quorate/idempotency";
import { describe, expect, it } from "vitest";
import { client } from "../client/client.ts";
import type { Handlers, ServeOptions } from "../server/options.ts";
import { serve } from "../server/serve.ts";
import { Ledger, World } from "../ledger-world.fixture.ts";

type Pay = Handlers<typeof Ledger>["pay"];

/** A client, and as many servers as one calls `another`. */
function desk(pay: Pay) {
  const world = new World();
  const another = async (options: ServeOptions = {}, its: Pay = pay) => {
    const process = world.process();
    const rest = { wait: (who: string) => who, count: async function* () {} };
    const server = await serve(process.backend, Ledger, { ...rest, pay: its }, options);
    return { process, server };
  };
  const ledger = client(world.process().backend, Ledger, { presence: false, tries: 1 });
  return { world, another, ledger };
}

describe("a keyed call", () => {
  it("runs once, and is replayed by any instance", async () => {
    let effects = 0;
    const { world, another, ledger } = desk(({ cents }) => ({ receipt: `${(effects += cents)}` }));
    const first = await another();
    expect(await ledger.pay({ cents: 5 }, { key: "k" })).toEqual({ receipt: "5" });
    await world.outcome(first.server.close());
    await another();
    expect(await ledger.pay({ cents: 5 }, { key: "k" })).toEqual({ receipt: "5" });
    expect(await ledger.pay({ cents: 7 }, { key: "other" })).toEqual({ receipt: "12" });
    expect(effects).toBe(12);
  });

  it("is refused under a key of another input; nothing runs", async () => {
    let runs = 0;
    const { another, ledger } = desk(() => ({ receipt: `${(runs += 1)}` }));
    await another();
    await ledger.pay({ cents: 5 }, { key: "k" });
    await expect(ledger.pay({ cents: 6 }, { key: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
      effect: "none",
    });
    expect(runs).toBe(1);
  });

  it("replays a refusal, with the contract's data", async () => {
    let runs = 0;
    const { another, ledger } = desk((_, call) => {
      throw call.fail("Declined", { by: `issuer ${(runs += 1)}` });
    });
    await another();
    for (let repeat = 0; repeat < 3; repeat++) {
      await expect(ledger.pay({ cents: 5 }, { key: "k" })).rejects.toMatchObject({
        code: "REFUSED",
        details: { reason: "Declined", data: { by: "issuer 1" } },
      });
    }
  });

  it("replays a failure after the effect, which must not happen again", async () => {
    let runs = 0;
    const { another, ledger } = desk((_, call) => {
      runs += 1;
      if (call.key === "half") throw call.fail("Half", { done: runs });
      return { receipt: 7 } as never; // Not what the contract says.
    });
    await another();
    for (let repeat = 0; repeat < 2; repeat++) {
      await expect(ledger.pay({ cents: 5 }, { key: "half" })).rejects.toMatchObject({
        code: "REMOTE_FAILED",
        effect: "applied",
        details: { error: "Half", data: { done: 1 } },
      });
    }
    for (let repeat = 0; repeat < 2; repeat++) {
      await expect(ledger.pay({ cents: 5 }, { key: "bad" })).rejects.toMatchObject({
        code: "CONTRACT_MISMATCH",
        effect: "applied",
      });
    }
    expect(runs).toBe(2);
  });

  it("runs again after an error of which nobody knows the effect, and is told", async () => {
    const seen: { readonly takeover: boolean; readonly token: number }[] = [];
    const { another, ledger } = desk((_, { fencingToken: token, takeover }) => {
      seen.push({ takeover, token });
      if (seen.length === 1) throw new Error("the database went away");
      return { receipt: "r" };
    });
    await another();
    await expect(ledger.pay({ cents: 5 }, { key: "k" })).rejects.toMatchObject({
      code: "REMOTE_FAILED",
      effect: "unknown",
    });
    expect(await ledger.pay({ cents: 5 }, { key: "k" })).toEqual({ receipt: "r" });
    expect(seen.map(({ takeover }) => takeover)).toEqual([false, true]);
    expect(seen[1]?.token).toBeGreaterThan(seen[0]?.token ?? 0);
  });

  it("waits for the run under way, at another instance, and gets its answer", async () => {
    let runs = 0;
    const { world, another, ledger } = desk(async () => {
      runs += 1;
      await world.work(2_000);
      return { receipt: `${runs}` };
    });
    await another();
    await another();
    const repeats = Array.from({ length: 6 }, () => ledger.pay({ cents: 5 }, { key: "k" }));
    const outcome = await world.outcome(Promise.all(repeats));
    expect(outcome).toMatchObject({ value: repeats.map(() => ({ receipt: "1" })) });
    expect(runs).toBe(1);
  });

  it("is told that the run is under way when its own time is over", async () => {
    const { world, another, ledger } = desk(async () => {
      await world.work(30_000);
      return { receipt: "" };
    });
    await another();
    void ledger.pay({ cents: 5 }, { key: "k" }).catch(() => {});
    await world.runtime.advance(10);
    const repeat = ledger.pay({ cents: 5 }, { key: "k", timeoutMs: 1_000 });
    expect(await world.outcome(repeat, 1_500)).toMatchObject({
      error: { code: "IDEMPOTENCY_IN_FLIGHT", effect: "none" },
    });
  });

  it("is taken over from a server that died in its midst; the old run is refused", async () => {
    const applied: number[] = [];
    let isFirst = true;
    const pay: Pay = async (_, { fencingToken, takeover }) => {
      if (isFirst) {
        isFirst = false;
        await world.work(40_000); // Its process is dead before that.
      }
      // What a resource does that checks tokens.
      if (fencingToken >= Math.max(0, ...applied)) applied.push(fencingToken);
      return { receipt: takeover ? "taken over" : "first" };
    };
    const { world, another, ledger } = desk(pay);
    const first = await another();
    const lost = ledger.pay({ cents: 5 }, { key: "k", timeoutMs: 2_000 });
    await world.runtime.advance(100);
    first.process.pause();
    expect(await world.outcome(lost)).toMatchObject({
      error: { code: "TIMEOUT", effect: "unknown" },
    });
    await another();
    first.process.memory.faults.cut();
    const repeat = ledger.pay({ cents: 5 }, { key: "k", timeoutMs: 30_000 });
    expect(await world.outcome(repeat)).toMatchObject({ value: { receipt: "taken over" } });
    await world.runtime.advance(60_000);
    expect(applied).toHaveLength(1);
  });

  it("keeps its records where it was told to, one per service, method and key", async () => {
    const { world, another, ledger } = desk(() => ({ receipt: "r" }));
    const { backend } = world.process();
    const idempotency = createIdempotency(backend, { name: "ours" });
    const { server } = await another({ idempotency });
    await ledger.pay({ cents: 5 }, { key: "k" });
    await world.outcome(server.close());
    const known = await idempotency.peek("k", { scope: "ledger/pay" });
    expect(known).toMatchObject({ state: "completed" });
  });
});
