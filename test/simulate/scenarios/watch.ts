/**
 * watch: what is told of a key only goes forward, was written, and the last state is told always.
 */
import { type Change, isQuorateError, type KvStore } from "@quorate/core";
import { checkWatch, type SimProcess, type WatchedChange, type World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, Workers } from "../scenario.ts";

const PREFIX = "config/";
const KEYS = ["config/a", "config/b", "config/c", "config/d"];

/** Time after healing in which every watcher must have the last state. */
const CATCH_UP_MS = 30_000;

/** Three writers, two watchers, and an auditor who reads what is really there. */
export const watch: Scenario = {
  name: "watch",
  claim: "a watch goes forward, tells what was written, and the last state always arrives",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { wrote: 5, "change seen": 5 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const records = new Records(sim);
    const writers = new Workers(sim);
    sim.process("writer", {
      count: 3,
      main: async (process) => {
        const { kv } = store.backend(process);
        await writers.forEver(process, () => writeOne(process, kv, records));
      },
    });
    sim.process("watcher", {
      count: 2,
      main: (process) => watchForEver(process, store.backend(process).kv, records),
    });
    sim.process("auditor", {
      faults: false,
      main: (process) => auditForEver(process, store.backend(process).kv, records),
    });
  },
};

/** What was tried and what was told, over the whole world. */
class Records {
  readonly #sim: World;
  readonly #written: WatchedChange[] = [];
  /** Values that somebody tried to write. */
  readonly #tried = new Set<string>();
  /** What each watcher believes to be there, by its name. */
  readonly #views = new Map<string, Map<string, number>>();
  readonly #seen = new Map<string, WatchedChange[]>();
  #truth: ReadonlyMap<string, number> | undefined;
  #isQuiet = false;

  constructor(sim: World) {
    this.#sim = sim;
    sim.eventually("watchers see the last state", { withinMs: CATCH_UP_MS }, () => this.#agree());
  }

  /** After healing, once every writer got through: nobody writes any more. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  tries(value: string): void {
    this.#tried.add(value);
  }

  wrote(change: WatchedChange): void {
    this.#written.push(change);
  }

  /** A watch begins: what its watcher believed before is void. */
  begins(watcher: string): void {
    this.#views.set(watcher, new Map());
    this.#seen.set(watcher, []);
  }

  tells(watcher: string, change: Change): void {
    if (change.kind !== "put" && change.kind !== "delete") return;
    const { key, revision } = change.kind === "put" ? change.entry : change;
    const view = this.#views.get(watcher);
    if (change.kind === "put") {
      const value = Buffer.from(change.entry.value).toString();
      if (!this.#tried.has(value)) this.#sim.fail("nothing is invented", `${value} under ${key}`);
      view?.set(key, revision);
    } else view?.delete(key);
    // Written, although its writer may not know.
    this.#written.push({ key, revision });
    this.#seen.get(watcher)?.push({ key, revision });
  }

  audited(truth: ReadonlyMap<string, number>): void {
    this.#truth = truth;
  }

  #agree(): true | string {
    // Asked for the first time when everything has healed.
    if (!this.#isQuiet) {
      this.#isQuiet = true;
      this.#truth = undefined;
    }
    const truth = this.#truth;
    if (truth === undefined) return "not audited yet";
    for (const [watcher, view] of this.#views) {
      if (!isSame(view, truth)) return `${watcher} has ${shown(view)}, there is ${shown(truth)}`;
    }
    this.#checkOrder();
    return true;
  }

  #checkOrder(): void {
    const written = [...new Map(this.#written.map((one) => [`${one.key} ${one.revision}`, one]))];
    for (const [watcher, seen] of this.#seen) {
      const all = written.map(([, change]) => change);
      const [first] = checkWatch({ written: all, seen, complete: false }).violations;
      if (first !== undefined)
        this.#sim.fail("a watch goes forward", `${watcher}: ${first.message}`);
    }
  }
}

async function writeOne(process: SimProcess, kv: KvStore, records: Records): Promise<void> {
  if (records.isQuiet) return process.sleep(1_000);
  const { random, ids } = process.runtime;
  const key = KEYS[Math.floor(random.next() * KEYS.length)] ?? "";
  if (random.next() < 0.2) {
    const { ok, ...rest } = await kv.delete(key);
    if (ok && "revision" in rest) records.wrote({ key, revision: rest.revision });
  } else {
    const value = ids.operation();
    records.tries(value);
    const put = await kv.put(key, value);
    if (put.ok) records.wrote({ key, revision: put.entry.revision });
  }
  process.mark("wrote");
}

async function watchForEver(process: SimProcess, kv: KvStore, records: Records): Promise<void> {
  for (;;) {
    records.begins(process.name);
    try {
      for await (const change of kv.watch(PREFIX)) {
        records.tells(process.name, change);
        process.mark(change.kind === "stale" ? "told stale" : "change seen");
      }
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      process.mark(`watch ended: ${error.code}`);
    }
    await process.sleep(500);
  }
}

async function auditForEver(process: SimProcess, kv: KvStore, records: Records): Promise<void> {
  for (;;) {
    await process.sleep(2_000);
    const wasQuiet = records.isQuiet;
    try {
      const truth = new Map<string, number>();
      for (const key of KEYS) {
        const entry = await kv.get(key);
        if (entry !== undefined) truth.set(key, entry.revision);
      }
      if (wasQuiet) records.audited(truth);
    } catch (error) {
      if (!isQuorateError(error)) throw error;
    }
  }
}

function isSame(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): boolean {
  return left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);
}

function shown(view: ReadonlyMap<string, number>): string {
  return [...view].map(([key, revision]) => `${key}@${revision}`).join(", ") || "nothing";
}
