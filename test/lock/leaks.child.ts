/**
 * What locks leave behind, and what they weigh, in a process of their own with `--expose-gc`.
 * Prints one line of JSON, then must end by itself: nothing may keep it alive.
 */
import { createLocks } from "@quorate/lock";
import { memoryBackend } from "@quorate/memory";

const CYCLES = 100_000;
const HELD = 1_000;

const collect = globalThis.gc;
if (collect === undefined) throw new Error("run me with --expose-gc");

function heapBytes(): number {
  for (let round = 0; round < 3; round++) collect?.();
  return process.memoryUsage().heapUsed;
}

const backend = memoryBackend();
const locks = createLocks(backend);

/** A service's shutdown signal: lives as long as the process, and must not collect listeners. */
const shutdown = new AbortController();
let listeners = 0;
const { signal } = shutdown;
const add: AbortSignal["addEventListener"] = signal.addEventListener.bind(signal);
const remove: AbortSignal["removeEventListener"] = signal.removeEventListener.bind(signal);
signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>): void => {
  listeners += 1;
  add(...args);
};
signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>): void => {
  listeners -= 1;
  remove(...args);
};

async function cycles(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const lock = await locks.acquire(`key/${index % 100}`, { signal });
    if (index % 10 === 0) lock.signal.throwIfAborted();
    await lock.release();
  }
}

await cycles(5_000); // Code is compiled, pools are filled.
const beforeCycles = heapBytes();
const startedMs = performance.now();
await cycles(CYCLES);
const cyclesMs = performance.now() - startedMs;
const cycleGrowthBytes = heapBytes() - beforeCycles;

const beforeHeld = heapBytes();
const held = await Promise.all(
  Array.from({ length: HELD }, (_, index) => locks.acquire(`held/${index}`)),
);
const waiting = held.map(({ key }) => locks.acquire(key, { waitMs: 60_000 }));
await new Promise((resolve) => setTimeout(resolve, 50));
const heldBytes = heapBytes() - beforeHeld;

await Promise.all(held.map((lock) => lock.release()));
for (const lock of await Promise.all(waiting)) await lock.release();
const { keys, subscriptions } = backend.store.stats;
const facts = { cyclesMs, cycleGrowthBytes, listeners, heldBytes, keys, subscriptions };
console.log(JSON.stringify(facts));

// Held to the end on purpose: a lock must not keep the process alive either.
await locks.acquire("held to the end");
