/**
 * Hand-over between real processes: order, cost, and what a dead or paused one in line costs.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { needs } from "../scripts/servers/index.mjs";
import { WaitingProcess } from "./redis/processes.ts";
import { granted, pause, Rig, until } from "./redis/rig.ts";

const redis = needs("redis");
const CLAIM_WINDOW_MS = 500;

describe.skipIf(redis.skip)(`hand-over on redis${redis.reason}`, () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
  });
  afterEach(() => rig.clear());
  afterAll(() => rig.stop());

  async function start(count: number): Promise<WaitingProcess[]> {
    const starting = Array.from({ length: count }, () =>
      WaitingProcess.start(rig.server.port, "test"),
    );
    const processes = await Promise.all(starting);
    for (const one of processes) rig.defer(() => one.kill());
    return processes;
  }

  /** Waits until so many stand in line for `name`. */
  async function inLine(name: string, count: number): Promise<void> {
    const backend = rig.open();
    const waiting = async (): Promise<boolean> =>
      (await backend.leases.inspect(name)).waiters.length === count;
    await until(`${count} in line for ${name}`, waiting);
  }

  it("serves 4 processes of 8 waiters in the order of their arrival", async () => {
    const processes = await start(4);
    const backend = rig.open();
    const holder = granted(await backend.leases.acquire("fifo", { owner: "first", ttlMs: 30_000 }));
    const expected: string[] = [];
    for (let round = 0; round < 8; round++) {
      for (const [index, one] of processes.entries()) {
        const owner = `p${index}-${round}`;
        one.order({ kind: "wait", name: "fifo", owners: [owner], ttlMs: 10_000, holdMs: 1 });
        expected.push(owner);
        await inLine("fifo", expected.length);
      }
    }
    await backend.leases.release(holder);
    const served = (): string[] =>
      processes
        .flatMap(({ grants }) => grants)
        .sort((left, right) => left.fencingToken - right.fencingToken)
        .map(({ owner }) => owner);
    await until("all are served", () => served().length === expected.length, 10_000);
    expect(served()).toEqual(expected);
  });

  it("passes over a killed process in the head of the line at once", async () => {
    const tookMs: number[] = [];
    const backend = rig.open();
    const next = rig.open();
    await next.ready();
    for (let round = 0; round < 5; round++) {
      const name = `dead-${round}`;
      const [dead] = await start(1);
      const holder = granted(await backend.leases.acquire(name, { owner: "h", ttlMs: 30_000 }));
      const owners = ["a", "b", "c", "d"];
      dead?.order({ kind: "wait", name, owners, ttlMs: 10_000, holdMs: 1_000 });
      await inLine(name, 4);
      const living = next.leases.acquire(name, { owner: "next", ttlMs: 5_000, waitMs: 10_000 });
      await inLine(name, 5);
      await dead?.kill();
      const startMs = performance.now();
      await backend.leases.release(holder);
      await next.leases.release(granted(await living));
      tookMs.push(performance.now() - startMs);
    }
    tookMs.sort((left, right) => left - right);
    console.info(`dead head of 4: ${tookMs.map((ms) => ms.toFixed(1)).join(" ")} ms`);
    expect(tookMs[2]).toBeLessThan(10);
  });

  it("loses one claim window to a paused process, which knows by its own clock", async () => {
    const [paused] = await start(1);
    const [backend, next] = [rig.open(), rig.open()];
    const holder = granted(await backend.leases.acquire("paused", { owner: "h", ttlMs: 30_000 }));
    const owners = ["a", "b", "c", "d"];
    paused?.order({ kind: "wait", name: "paused", owners, ttlMs: 10_000, holdMs: 5_000 });
    await inLine("paused", 4);
    const living = next.leases.acquire("paused", { owner: "n", ttlMs: 5_000, waitMs: 10_000 });
    await inLine("paused", 5);
    paused?.pause();
    const startMs = performance.now();
    await backend.leases.release(holder);
    const grant = granted(await living);
    const tookMs = performance.now() - startMs;
    console.info(`paused head of 4: ${tookMs.toFixed(1)} ms`);
    expect(tookMs).toBeGreaterThan(CLAIM_WINDOW_MS - 50);
    expect(tookMs).toBeLessThan(CLAIM_WINDOW_MS + 150);
    paused?.resume();
    await pause(200);
    expect(paused?.grants).toEqual([]);
    expect(await next.leases.renew([grant])).toEqual(["renewed"]);
    await next.leases.release(grant);
    // It stood back, and waits on.
    await until("the paused one is served", () => paused?.grants.length === 1);
  });

  it("a holder paused right after its grant by push has lost by its own clock", async () => {
    const [paused] = await start(1);
    const [backend, next] = [rig.open(), rig.open()];
    const holder = granted(await backend.leases.acquire("woken", { owner: "h", ttlMs: 30_000 }));
    paused?.order({ kind: "wait", name: "woken", owners: ["a"], ttlMs: 10_000, holdMs: 60_000 });
    await inLine("woken", 1);
    const living = next.leases.acquire("woken", { owner: "n", ttlMs: 5_000, waitMs: 10_000 });
    await inLine("woken", 2);
    await backend.leases.release(holder);
    await until("it holds", () => paused?.grants.length === 1);
    paused?.pause();
    const heldMs = performance.now();
    const grant = granted(await living);
    const passedOnMs = performance.now() - heldMs;
    const leftMs = paused?.look("a");
    paused?.resume();
    // If it had confirmed before the pause, its lease is whole and nothing was passed on early.
    expect(passedOnMs).toBeGreaterThan(CLAIM_WINDOW_MS - 150);
    expect(await leftMs).toBeLessThanOrEqual(0);
    expect(grant.fencingToken).toBeGreaterThan(paused?.grants[0]?.fencingToken ?? Infinity);
  });

  it.each([2, 8, 32, 128])("costs two commands per grant among %i waiters", async (count) => {
    const [backend, other] = [rig.open(), rig.open()];
    const name = `cost-${count}`;
    const rounds = Math.max(3, Math.ceil(256 / count));
    const work = async (worker: number): Promise<void> => {
      const { leases } = worker % 2 === 0 ? backend : other;
      for (let round = 0; round < rounds; round++) {
        const owner = `${worker}-${round}`;
        const grant = granted(await leases.acquire(name, { owner, ttlMs: 10_000, waitMs: 60_000 }));
        await leases.release(grant);
      }
    };
    // The first ask of a process finds out that there is a line, and makes its inbox.
    await Promise.all([work(0), work(1), work(2), work(3)]);
    const before = await rig.commandsSent();
    await Promise.all(Array.from({ length: count }, (_, worker) => work(worker)));
    const perGrant = ((await rig.commandsSent()) - before) / (count * rounds);
    console.info(`${count} waiters: ${perGrant.toFixed(2)} commands per grant`);
    expect(perGrant).toBeLessThanOrEqual(2.1);
  });

  it("drains 32 waiters fast, each woken alone", async () => {
    const backends = [rig.open(), rig.open(), rig.open(), rig.open()];
    const holderBackend = rig.open();
    const tookMs: number[] = [];
    for (let round = 0; round < 7; round++) {
      const name = `drain-${round}`;
      const holder = granted(
        await holderBackend.leases.acquire(name, { owner: "h", ttlMs: 30_000 }),
      );
      const all = Array.from({ length: 32 }, async (_, index) => {
        const { leases } = backends[index % 4] ?? holderBackend;
        const request = { owner: `w${index}`, ttlMs: 10_000, waitMs: 20_000 };
        await leases.release(granted(await leases.acquire(name, request)));
      });
      await inLine(name, 32);
      const startMs = performance.now();
      await holderBackend.leases.release(holder);
      await Promise.all(all);
      tookMs.push(performance.now() - startMs);
    }
    tookMs.sort((left, right) => left - right);
    console.info(`32 waiters drained: ${tookMs.map((ms) => ms.toFixed(1)).join(" ")} ms`);
    // The bar of 15 ms is measured by the benchmark; here only that nobody polls.
    expect(tookMs[3]).toBeLessThan(60);
  });
});
