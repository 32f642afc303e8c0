/**
 * A process that takes a lock on a real Redis and then lives through what its parent does to it.
 *
 * `hold`: takes the lock, opens the guarded resource, blocks its own event loop for `BLOCK_MS` (the
 * parent may stop it meanwhile), and looks at its lock at the very first line after.
 * `watch`: takes the lock and reports when its signal aborts, and every unhandled rejection.
 */
import { isQuorateError } from "@quorate/core";
import { createGuard, createLocks } from "@quorate/lock";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

const { MODE, REDIS_URL = "", TTL_MS, BLOCK_MS } = process.env;
const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason)));

const redis = new Redis(REDIS_URL, { retryStrategy: () => 100 });
redis.on("error", () => {}); // The server is going to be killed.
const backend = redisBackend(redis);
const locks = createLocks(backend, { ttlMs: Number(TTL_MS) });
const guard = createGuard(backend.kv);

const tell = (message: object): void => void process.send?.(message);

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "ok",
    (error: unknown) => (isQuorateError(error) ? error.code : String(error)),
  );
}

async function hold(): Promise<void> {
  const lock = await locks.acquire("a");
  const { signal } = lock;
  const fenced = await guard.open(lock, "a");
  tell({ kind: "held", fencingToken: lock.fencingToken });
  const cell = new Int32Array(new SharedArrayBuffer(4));
  // Not one sleep but many: SIGSTOP does not stop the clock by which one long one would end.
  const startedMs = performance.now();
  while (performance.now() - startedMs < Number(BLOCK_MS)) Atomics.wait(cell, 0, 0, 5);

  const abortedAtOnce = signal.aborted;
  let check = "ok";
  try {
    lock.check();
  } catch (error) {
    check = isQuorateError(error) ? error.code : String(error);
  }
  const abortedThen = signal.aborted;
  const write = await codeOf(fenced.write("late"));
  // As one that never asks its lock: the token alone goes to the resource.
  const admit = await codeOf(guard.admit("a", lock.fencingToken));
  const release = await lock.release();
  tell({ kind: "woken", abortedAtOnce, check, abortedThen, write, admit, release, unhandled });
}

async function watch(): Promise<void> {
  const lock = await locks.acquire("a");
  tell({ kind: "held", fencingToken: lock.fencingToken });
  await new Promise<void>((resolve) => {
    lock.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const { reason } = lock.signal.reason.details as { reason: string };
  tell({ kind: "aborted", reason, unhandled });
  // Whatever is still in flight has time to be rejected, and to be noticed.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  tell({ kind: "alive", unhandled });
}

await (MODE === "hold" ? hold() : watch());
process.disconnect();
process.exit(0);
