/**
 * Faults of one server, its clients, and the network between them.
 */
import { seededRandom } from "@quorate/core/testing";
import { Redis } from "ioredis";

import { type Fault, type Field, holding, pause, stopWhileHolding, workerOf } from "./fault.ts";
import { TTL_MS } from "./protocol.ts";
import type { SingleRig } from "./rigs.ts";

type SingleFault = Fault<SingleRig>;

/** Long enough for every lease to end, if nobody renewed it. */
const OVER_TTL_MS = 1.5 * TTL_MS;

function kept(name: string, strike: SingleFault["strike"], recoveryMs = 5_000): SingleFault {
  return { name, exclusion: "kept", data: "kept", recoveryMs, strike };
}

/** Does something to every proxy. */
function all(field: Field<SingleRig>, act: (proxy: SingleRig["proxies"][number]) => void): void {
  for (const proxy of field.rig.proxies) act(proxy);
}

/** Faults of the processes that hold. */
const CLIENT_FAULTS: readonly SingleFault[] = [
  kept("nothing", () => pause(1_000)),
  // A lease over kv is judged by those who look: up to twice its TTL.
  kept("a holder is killed", (field) => killHolder(field), 2 * TTL_MS + 5_000),
  kept("a holder is stopped for 1.5 TTL", async (field) => {
    const worker = workerOf(field, 0);
    await stopWhileHolding(worker, "lock");
    await pause(OVER_TTL_MS);
    worker.resume();
  }),
  kept("a holder's event loop is blocked for 1.5 TTL", async (field) => {
    const worker = workerOf(field, 0);
    await holding(worker, "write");
    worker.block(OVER_TTL_MS);
    await pause(OVER_TTL_MS);
  }),
];

async function killHolder(field: Field<SingleRig>): Promise<void> {
  const worker = workerOf(field, 0);
  await stopWhileHolding(worker, "lock");
  await worker.kill();
}

/** Faults of the network. */
const NETWORK_FAULTS: readonly SingleFault[] = [
  kept("one client is cut off for 2 TTL", async ({ rig }) => {
    const [proxy] = rig.proxies;
    proxy?.pauseReplies(true);
    proxy?.pauseRequests(true);
    await pause(2 * TTL_MS);
    proxy?.pauseReplies(false);
    proxy?.pauseRequests(false);
  }),
  kept("replies are held for 1.5 TTL", async (field) => {
    all(field, (proxy) => proxy.pauseReplies(true));
    await pause(OVER_TTL_MS);
    all(field, (proxy) => proxy.pauseReplies(false));
  }),
  kept("requests are held for 1.5 TTL", async (field) => {
    all(field, (proxy) => proxy.pauseRequests(true));
    await pause(OVER_TTL_MS);
    all(field, (proxy) => proxy.pauseRequests(false));
  }),
  kept("replies are lost, with their connections", async (field) => {
    for (let round = 0; round < 4; round++) {
      const cuts = field.rig.proxies.map((proxy) => proxy.cutAfterNextRequest());
      await Promise.race([Promise.all(cuts), pause(600)]);
      await pause(100);
    }
  }),
  kept("connections are reset, again and again", async (field) => {
    for (let round = 0; round < 6; round++) {
      all(field, (proxy) => proxy.cutAll());
      await pause(150);
    }
  }),
  kept("connections are refused for 1.5 TTL", async (field) => {
    all(field, (proxy) => proxy.refuse(true));
    all(field, (proxy) => proxy.cutAll());
    await pause(OVER_TTL_MS);
    all(field, (proxy) => proxy.refuse(false));
  }),
  kept("each way takes 100 to 200 ms more", async (field) => {
    const { next: random } = seededRandom(100);
    all(field, (proxy) => proxy.delay({ requestsMs: 100, repliesMs: 100, jitterMs: 100, random }));
    await pause(1_500);
    all(field, (proxy) => proxy.delay({}));
  }),
  kept("replies take 600 ms more, requests nothing", async (field) => {
    all(field, (proxy) => proxy.delay({ repliesMs: 600 }));
    await pause(2 * TTL_MS);
    all(field, (proxy) => proxy.delay({}));
  }),
  kept("one reply in 20 is lost", async (field) => {
    const random = seededRandom(20);
    all(field, (proxy) => proxy.dropReplies(0.05, () => random.next()));
    await pause(1_500);
    all(field, (proxy) => proxy.dropReplies(0, () => 1));
  }),
];

const SERVER_STOPPED = kept("the server is stopped for 1.5 TTL", async ({ rig }) => {
  rig.server.pause();
  await pause(OVER_TTL_MS);
  rig.server.resume();
});

const SERVER_KILLED = kept(
  "the server is killed, and comes back with its data",
  async ({ rig }) => {
    await rig.server.kill();
    await pause(300);
    await rig.server.restart();
  },
  2 * TTL_MS + 5_000,
);

/** Faults that any single server can be given, on a rig that keeps its data. */
export const DURABLE_FAULTS: readonly SingleFault[] = [
  ...CLIENT_FAULTS,
  ...NETWORK_FAULTS,
  SERVER_STOPPED,
  SERVER_KILLED,
];

async function command(rig: SingleRig, ...words: readonly [string, ...string[]]): Promise<void> {
  const admin = new Redis(rig.server.url);
  await admin.call(...words);
  admin.disconnect();
}

/** Faults of a Redis, without persistence. */
export const REDIS_FAULTS: readonly SingleFault[] = [
  kept("every client is killed by CLIENT KILL", ({ rig }) =>
    command(rig, "CLIENT", "KILL", "TYPE", "normal"),
  ),
  kept("the scripts are flushed", ({ rig }) => command(rig, "SCRIPT", "FLUSH")),
  {
    name: "everything is flushed by FLUSHALL",
    exclusion: "fenced",
    data: "lost",
    strike: ({ rig }) => command(rig, "FLUSHALL"),
  },
  {
    name: "the server is killed, and comes back empty",
    exclusion: "fenced",
    data: "lost",
    strike: async ({ rig }) => {
      await rig.server.kill();
      await pause(300);
      await rig.server.restart();
    },
  },
];
