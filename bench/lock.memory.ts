/**
 * The process whose memory is measured: `lock.memory.ts <contender> <redis url>`, with
 * `--expose-gc`. Prints one line of JSON and ends without tidying up; the locks have TTLs.
 */
import { randomUUID } from "node:crypto";

import { load } from "./contenders/catalogue.ts";
import type { ContenderId } from "./contenders/contender.ts";
import { sleep } from "./harness/clock.ts";

const CLAIMS = 1_000;
const TTL_MS = 20_000;
const SETTLE_MS = 300;

const [id, url] = process.argv.slice(2);
if (id === undefined || url === undefined || globalThis.gc === undefined) {
  throw new Error("usage: node --expose-gc lock.memory.ts <contender> <redis url>");
}

const session = await (await load(id as ContenderId)).open(url);
const base = `memory/${randomUUID()}`;
const names = Array.from({ length: CLAIMS }, (_, index) => `${base}/${index}`);
// Once before: what a first use compiles and caches is no lock's memory.
for (const lock of await acquireAll(`${base}/warm-up`)) await lock.release();

const before = await settledBytes();
const held = await Promise.all(names.map((name) => session.acquire(name, { ttlMs: TTL_MS })));
const afterHeld = await settledBytes();
const waiting = names.map((name) => session.acquire(name, { ttlMs: TTL_MS }));
for (const wait of waiting) void wait.catch(() => {});
await sleep(SETTLE_MS);
const afterWaiting = await settledBytes();

const answer = { held: afterHeld - before, waiting: afterWaiting - afterHeld, alive: held.length };
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit());

function acquireAll(prefix: string): Promise<{ release(): Promise<unknown> }[]> {
  const some = Array.from({ length: 100 }, (_, index) => `${prefix}/${index}`);
  return Promise.all(some.map((name) => session.acquire(name, { ttlMs: TTL_MS })));
}

/** Heap in use and bytes outside of it, after collections. */
async function settledBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
