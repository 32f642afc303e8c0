import type { KvStore } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";

import type { Enclosure } from "../enclosure.ts";
import { attempt, forEver, insist } from "./persist.ts";

const DURATION_MS = 20_000;
const KEYS = ["watched/a", "watched/b", "watched/c", "watched/d"];

/** What a reader believes. */
interface View {
  readonly values: Map<string, string>;
  isSynced: boolean;
}

/** Two writers and three readers of a few keys, some of which expire. */
export const watch: Enclosure = {
  name: "watch",
  claim: "in the end every reader of a watch knows what there is, and nothing else",
  durationMs: DURATION_MS,
  atLeast: { wrote: 20, heard: 20 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const views = new Map<string, View>();
    let truth: ReadonlyMap<string, string> | undefined;
    sim.process("writer", {
      count: 2,
      main: (process) => write(process, store.backend(process).kv, sim),
    });
    sim.process("reader", {
      count: 3,
      main: (process) => {
        const view: View = { values: new Map(), isSynced: false };
        views.set(process.name, view);
        return read(process, store.backend(process).kv, view);
      },
    });
    sim.process("auditor", {
      faults: false,
      main: async (process) => {
        const { kv } = store.backend(process);
        // The writers have ended, and what was to expire has.
        await process.sleep(DURATION_MS + 15_000);
        truth = await insist(process, async () => {
          const found = new Map<string, string>();
          for await (const { key, value } of kv.list("watched")) {
            found.set(key, Buffer.from(value).toString());
          }
          return found;
        });
      },
    });
    sim.eventually("readers know what there is", { withinMs: 40_000 }, () => {
      if (truth === undefined) return "nobody knows it";
      for (const [name, { values, isSynced }] of views) {
        if (!isSynced) return `${name} is not synced`;
        if (textOf(values) === textOf(truth)) continue;
        return `${name} believes in ${textOf(values)}, there is ${textOf(truth)}`;
      }
      return true;
    });
  },
};

function textOf(values: ReadonlyMap<string, string>): string {
  return [...values]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(" ");
}

async function write(process: SimProcess, kv: KvStore, sim: World): Promise<void> {
  const { random } = process.runtime;
  for (let number = 1; sim.nowMs < DURATION_MS; number++) {
    const key = KEYS[Math.floor(random.next() * KEYS.length)] ?? "";
    const luck = random.next();
    const ttl = luck < 0.2 ? { ttlMs: 200 + random.next() * 2_000 } : {};
    const change = luck > 0.7 ? () => kv.delete(key) : () => kv.put(key, `${number}`, ttl);
    if (await attempt(change)) process.mark("wrote");
    await process.sleep(random.next() * 300);
  }
}

/** Slow at times, so that changes are coalesced. */
async function read(process: SimProcess, kv: KvStore, view: View): Promise<void> {
  const { random } = process.runtime;
  await forEver(process, 100, async () => {
    for await (const change of kv.watch("watched/")) {
      process.mark("heard");
      if (change.kind === "put") {
        view.values.set(change.entry.key, Buffer.from(change.entry.value).toString());
      } else if (change.kind === "delete") view.values.delete(change.key);
      else view.isSynced = change.kind === "synced";
      if (random.next() < 0.3) await process.sleep(random.next() * 1_500);
    }
  });
}
