/**
 * Real processes on a real Redis: stopped, blocked, killed, cut off.
 *
 * Times are bounds on a busy machine, not measurements: TTL plus the 50 ms that are promised, plus
 * what two shared cores may cost.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { isQuorateError } from "@quorate/core";
import { createGuard, createLocks, type LockOptions } from "@quorate/lock";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  needs,
  type ServerProcess,
  startRedis,
  startTcpProxy,
} from "../../scripts/servers/index.mjs";

const CHILD = fileURLToPath(new URL("holder.child.ts", import.meta.url));
const TTL_MS = 1_000;
const PROMISED_MS = 50;
const SLACK_MS = 150;

const cleanups: (() => unknown)[] = [];
let server: ServerProcess;

beforeEach(async () => {
  server = await startRedis();
  cleanups.push(() => server.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Told = { readonly kind: string } & Record<string, unknown>;

/** A child, and what it says, in order. */
class Holder {
  readonly process: ChildProcess;
  readonly #told: Told[] = [];
  #heard: (() => void) | undefined;

  constructor(mode: "hold" | "watch", blockMs = 0) {
    const env = { ...process.env, MODE: mode, REDIS_URL: server.url };
    this.process = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: { ...env, TTL_MS: String(TTL_MS), BLOCK_MS: String(blockMs) },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    cleanups.push(() => this.process.kill("SIGKILL"));
    this.process.on("message", (message) => {
      this.#told.push(message as Told);
      this.#heard?.();
    });
  }

  async told(kind: string): Promise<Told> {
    for (;;) {
      const found = this.#told.find((message) => message.kind === kind);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }
}

function connect(url = server.url): {
  readonly locks: ReturnType<typeof createLocks>;
  readonly guard: ReturnType<typeof createGuard>;
  readonly redis: Redis;
  /** Shortens the TTL where a test is about the parent's own lock. */
  readonly options: LockOptions;
} {
  const redis = new Redis(url, { retryStrategy: () => 50 });
  redis.on("error", () => {});
  const backend = redisBackend(redis);
  const locks = createLocks(backend, { ttlMs: TTL_MS });
  cleanups.push(async () => {
    await backend.close({ graceMs: 0 });
    redis.disconnect();
  });
  return { locks, guard: createGuard(backend.kv), redis, options: { ttlMs: TTL_MS } };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(needs("redis").skip)("a holder process", () => {
  it("that was stopped for 1.5 TTL learns it at its first line; the guard refuses it", async () => {
    const { locks, guard } = connect();
    const holder = new Holder("hold", 300);
    const { fencingToken } = await holder.told("held");
    holder.process.kill("SIGSTOP");
    const waiting = locks.run("a", async (lock) => {
      const fenced = await guard.open(lock, "a");
      await fenced.write("new");
      return lock.fencingToken;
    });
    const [newer] = await Promise.all([waiting, sleep(1.5 * TTL_MS)]);
    holder.process.kill("SIGCONT");
    expect(newer).toBeGreaterThan(Number(fencingToken));
    expect(await holder.told("woken")).toEqual({
      kind: "woken",
      abortedAtOnce: false, // No timer has run yet: the signal alone would have been believed.
      check: "LOCK_LOST",
      abortedThen: true,
      write: "LOCK_LOST",
      admit: "STALE_TOKEN",
      release: "expired",
      unhandled: [],
    });
    expect(Buffer.from((await guard.peek("a"))?.payload ?? []).toString()).toBe("new");
  });

  it("whose event loop was blocked for 1.5 TTL learns it at its first line", async () => {
    const { locks } = connect();
    const holder = new Holder("hold", 1.5 * TTL_MS);
    await holder.told("held");
    const next = await locks.acquire("a");
    expect(await holder.told("woken")).toMatchObject({
      abortedAtOnce: false,
      check: "LOCK_LOST",
      abortedThen: true,
      release: "expired",
      unhandled: [],
    });
    expect(next.remainingMs).toBeGreaterThan(0);
  });

  it("that was stopped for less than two thirds of its TTL keeps its lock", async () => {
    const holder = new Holder("hold", 200);
    await holder.told("held");
    holder.process.kill("SIGSTOP");
    await sleep(TTL_MS / 2);
    holder.process.kill("SIGCONT");
    expect(await holder.told("woken")).toMatchObject({
      check: "ok",
      write: "ok",
      admit: "ok",
      release: "released",
    });
  });

  it("that is killed frees its lock after its TTL", async () => {
    const { locks } = connect();
    const holder = new Holder("hold", 10_000);
    await holder.told("held");
    holder.process.kill("SIGKILL");
    const startedMs = performance.now();
    await locks.acquire("a");
    expect(performance.now() - startedMs).toBeLessThan(TTL_MS + SLACK_MS + PROMISED_MS);
  });

  it.each([
    ["stands still", async () => server.pause()],
    ["is killed", () => server.kill()],
  ])("whose Redis %s is told by its own deadline, and lives", async (_, strike) => {
    const holder = new Holder("watch");
    await holder.told("held");
    await sleep(0.4 * TTL_MS); // Renewed once by now.
    const struckMs = performance.now();
    await strike();
    expect(await holder.told("aborted")).toMatchObject({ reason: "expired", unhandled: [] });
    expect(performance.now() - struckMs).toBeLessThan(TTL_MS + PROMISED_MS + SLACK_MS);
    expect(await holder.told("alive")).toMatchObject({ unhandled: [] });
    const [code] = (await once(holder.process, "exit")) as [number | null];
    expect(code).toBe(0);
    server.resume();
  });
});

describe.skipIf(needs("redis").skip)("locks on Redis", () => {
  it("find their own claim when its reply was lost, long before the TTL", async () => {
    const proxy = await startTcpProxy({ host: server.host, port: server.port });
    cleanups.push(() => proxy.close());
    const { locks } = connect(`redis://${proxy.host}:${proxy.port}`);
    await (await locks.acquire("warm-up")).release();
    void proxy.cutAfterNextRequest();
    const startedMs = performance.now();
    const lock = await locks.acquire("a", { ttlMs: 10_000 });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await lock.release()).toBe("released");
  });

  it("renew 1000 leases with at most 10 commands per third of the TTL", async () => {
    const { locks, redis } = connect();
    const held = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => locks.acquire(`k/${index}`, { ttlMs: 6_000 })),
    );
    const commands = async (): Promise<number> => {
      const stats = await redis.info("commandstats");
      const calls = [...stats.matchAll(/cmdstat_evalsha(?:_ro)?:calls=(\d+)/g)];
      return calls.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await commands();
    await sleep(6_200);
    const spent = (await commands()) - before;
    expect(held.every((lock) => lock.remainingMs > 0)).toBe(true);
    // Three periods, and the beginning of a fourth.
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(31);
    await locks.close();
  });

  it("give the tokens of a name in rising order over deletion, flush and restart", async () => {
    const { locks, redis } = connect();
    const tokens: number[] = [];
    const take = async (): Promise<void> => {
      const lock = await locks.acquire("a", { waitMs: 5_000 });
      tokens.push(lock.fencingToken);
      await lock.release();
    };
    await take();
    await redis.flushall();
    await take();
    await server.restart();
    while (redis.status !== "ready") await sleep(20);
    await take();
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));
  });

  it("are guarded in one atomic step, over connections and restarts", async () => {
    await server.stop();
    server = await startRedis({ appendonly: true });
    const guards = [connect(), connect()].map(({ guard }) => guard);
    const admitted: number[] = [];
    const asked = Array.from({ length: 200 }, (_, index) => ((index * 7) % 200) + 1);
    const admissions = asked.map(async (token, index) => {
      try {
        await guards[index % 2]?.admit("a", token);
        admitted.push(token);
      } catch (error) {
        if (!isQuorateError(error, "STALE_TOKEN")) throw error;
      }
    });
    await Promise.all(admissions);
    expect(admitted).toContain(200);
    expect(admitted.length).toBeLessThan(200);
    await server.restart();
    const { guard } = connect();
    expect((await guard.peek("a"))?.floor).toBe(200);
    await expect(guard.admit("a", 199)).rejects.toMatchObject({ code: "STALE_TOKEN" });
    await guard.admit("a", 200);
  });

  it("release an expired lock with an answer, and leave the next holder's alone", async () => {
    const [one, two] = [connect(), connect()];
    const first = await one.locks.acquire("a", { renew: false });
    const second = await two.locks.acquire("a");
    const startedMs = performance.now();
    expect(await first.release()).toBe("expired");
    expect(performance.now() - startedMs).toBeLessThan(PROMISED_MS + SLACK_MS);
    await sleep(TTL_MS);
    expect(second.check()).toBeGreaterThan(first.fencingToken);
  });
});
