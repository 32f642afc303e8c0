/**
 * A worker under fire: claims, holds, writes what is guarded, gives back, and tells of each step.
 *
 * Three loops, one for each primitive, on one backend, as a service would have them. It is killed,
 * stopped, blocked and cut off from outside and knows nothing of that.
 */
import { type Backend, isQuorateError } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { createGuard, createLocks, type Guard, type Lock, type Locks } from "@quorate/lock";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";
import { Cluster, Redis } from "ioredis";

import { connectTo } from "../support/nats-client.ts";
import { type Kind, type Mission, MISSION, type Order, PERMITS } from "./protocol.ts";
import { type Route, type Told, TTL_MS, WAIT_MS } from "./protocol.ts";

const REQUEST_MS = 1_000;

const mission = JSON.parse(process.env[MISSION] ?? "") as Mission;
const random = seededRandom(mission.seed);
/** The machine's monotonic clock, which all its processes share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const tell = (told: Told): void => void process.send?.(told);
const upTo = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, random.next() * ms));

let isStopping = false;
let claims = 0;

async function connect(route: Route): Promise<Backend> {
  const { namespace } = mission;
  const options = { namespace, requestTimeoutMs: REQUEST_MS };
  if (route.engine === "nats") {
    const how = { ignoreClusterUpdates: route.replicas === 1 };
    const connection = await connectTo("nats", [...route.urls], how);
    return natsBackend(connection, { ...options, replicas: route.replicas });
  }
  const client = connectRedis(route);
  client.on("error", () => {});
  return redisBackend(client, options);
}

function connectRedis(route: Exclude<Route, { engine: "nats" }>): Redis | Cluster {
  const retry = (): number => 50;
  if (route.engine === "redis") return new Redis(route.url, { retryStrategy: retry });
  const hosts = route.ports.map((port) => ({ host: "127.0.0.1", port }));
  if (route.engine === "redis-cluster") {
    return new Cluster(hosts, { clusterRetryStrategy: retry, slotsRefreshTimeout: 1_000 });
  }
  return new Redis({
    sentinels: hosts,
    name: route.name,
    retryStrategy: retry,
    sentinelRetryStrategy: retry,
  });
}

/** A cluster that has just been formed, on a machine with much to do, may take its time. */
async function whenReady(): Promise<void> {
  for (let patience = 15; ; patience--) {
    try {
      return await backend.ready();
    } catch (error) {
      if (!isQuorateError(error) || !error.retryable || patience === 0) throw error;
    }
  }
}

/** One claim of `kind`, from its asking to its end. */
async function claim(kind: Kind, acquire: () => Promise<Lock>, guard: Guard): Promise<void> {
  const id = `${mission.name}/${kind}/${(claims += 1)}`;
  tell({ type: "ask", id, kind, atMs: now() });
  let lock: Lock;
  try {
    lock = await acquire();
  } catch (error) {
    refused(id, error);
    return upTo(50);
  }
  tell({ type: "held", id, token: lock.fencingToken, atMs: now() });
  try {
    believe(id, lock);
    if (kind === "lock" || kind === "write") await countOn(id, kind, lock, guard);
    await upTo(40);
    believe(id, lock);
  } catch (error) {
    if (!isQuorateError(error)) tell({ type: "broken", message: String(error) });
  }
  tell({ type: "releasing", id, atMs: now() });
  const answer = await lock.release().catch((error: unknown) => {
    if (!isQuorateError(error)) tell({ type: "broken", message: String(error) });
    return "unknown" as const;
  });
  tell({ type: answer === "released" ? "released" : "lost", id, atMs: now() });
}

function refused(id: string, error: unknown): void {
  if (!isQuorateError(error)) return tell({ type: "broken", message: String(error) });
  tell({ type: "refused", id, effect: error.effect, atMs: now() });
}

/** Says that the lock was held at some instant between two readings of the clock. */
function believe(id: string, lock: Lock): void {
  const fromMs = now();
  lock.check();
  tell({ type: "believed", id, fromMs, toMs: now() });
}

/** Reads the guarded counter and writes it one higher: lost updates would show. */
async function countOn(id: string, kind: Kind, lock: Lock, guard: Guard): Promise<void> {
  const counter = await guard.open(lock, `counter/${kind}`);
  const count = Number(Buffer.from((await counter.read()) ?? "0").toString()) + 1;
  await upTo(5);
  tell({ type: "writing", id, count, atMs: now() });
  await counter.write(String(count));
  tell({ type: "wrote", id, count, atMs: now() });
}

async function work(locks: Locks, guard: Guard): Promise<void> {
  const semaphore = locks.semaphore("faults", { permits: PERMITS });
  const shared = locks.readWrite("faults");
  const loop = async (once: () => Promise<void>): Promise<void> => {
    while (!isStopping) {
      await once();
      await upTo(20);
    }
  };
  await Promise.all([
    loop(() => claim("lock", () => locks.acquire("faults"), guard)),
    loop(() => claim("permit", () => semaphore.acquire(), guard)),
    loop(() =>
      random.next() < 0.4
        ? claim("write", () => shared.write.acquire(), guard)
        : claim("read", () => shared.read.acquire(), guard),
    ),
  ]);
}

process.on("unhandledRejection", (reason) => {
  tell({ type: "broken", message: `unhandled rejection: ${String(reason)}` });
});
process.on("message", (order: Order) => {
  if (order.type === "stop") isStopping = true;
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
});
// A worker whose test is gone has nobody to tell.
process.on("disconnect", () => process.exit(0));

const backend = await connect(mission.route);
await whenReady();
tell({ type: "ready" });
await work(createLocks(backend, { ttlMs: TTL_MS, waitMs: WAIT_MS }), createGuard(backend.kv));
await backend.close({ graceMs: 0 });
process.exit(0);
