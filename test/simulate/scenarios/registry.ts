/**
 * The registry: four instances come and go in every way there is, callers look on, and so does one
 * observer whom no fault befalls.
 *
 * Seen from above: what each instance believes of itself is held against what is in the views. The
 * observer, while the store answers it, must see who is there and nobody who has drained; no outage
 * empties anybody's list; and in the end all views are what the instances say.
 */
import { type Backend, isQuorateError, type KvStore, type Ms } from "@quorate/core";
import { createRegistry, type Registration, type ServiceView } from "@quorate/discovery";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS } from "../scenario.ts";

const SERVICE = "billing";
const COUNT = 4;
/** How late a watch may tell, at worst: a TTL, and the time in which an engine notices a loss. */
const LAG_MS = 15_000;
/** Time after healing in which all views must be right. */
const RECOVERY_MS = 60_000;
const OPTIONS = { ttlMs: TTL_MS, watchDelayMs: 300, panicMaxMs: 5_000 };

/** Instances, callers, an observer. */
export const registry: Scenario = {
  name: "registry",
  claim: "views agree with the instances, drained ones are gone, no outage empties a list",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { registered: 4 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const census = new Census(sim);
    sim.process("instance", {
      count: COUNT,
      main: async (process) => {
        const place = createRegistry(store.backend(process), OPTIONS);
        for (let life = 1; ; life++) {
          const id = `${process.name}-${process.incarnation}-${life}`;
          await attempt(process, async () => {
            const signal = timeout(process, 10_000);
            const version = `1.${process.index}.0`;
            const instance = { service: SERVICE, version, address: `at-${id}`, id };
            await live(process, await place.register(instance, { signal }), census);
          });
          await process.sleep(200);
        }
      },
    });
    const watch = (process: SimProcess, backend: Backend): ServiceView => {
      const view = createRegistry(backend, OPTIONS).service(SERVICE, "^1.0.0");
      census.follows(process, view);
      return view;
    };
    sim.process("caller", {
      count: 2,
      main: (process) => void watch(process, store.backend(process)),
    });
    sim.process("observer", {
      faults: false,
      main: (process) => {
        const backend = store.backend(process);
        return census.observe(process, watch(process, backend), backend.kv);
      },
    });
  },
};

/** What an instance last said of itself. */
interface Resident {
  readonly process: SimProcess;
  readonly weight: number;
  /** Since when it has been up without a break. */
  readonly upSinceMs: Ms;
  readonly saidMs: Ms;
}

/** Who is there, and who sees whom. */
class Census {
  readonly #sim: World;
  readonly #residents = new Map<string, Resident>();
  /** When each one that has gone was gone for sure, or last seen to be. */
  readonly #goneMs = new Map<string, Ms>();
  /** Since when the observer has not seen those whom it should see. */
  readonly #missedMs = new Map<string, Ms>();
  readonly #views = new Map<string, ServiceView>();
  /** How many instances each process had in its last snapshot. */
  readonly #seen = new Map<string, number>();
  #isQuiet = false;

  constructor(sim: World) {
    this.#sim = sim;
    sim.eventually("all views agree with the instances", { withinMs: RECOVERY_MS }, () => {
      this.#isQuiet = true;
      return this.#agree();
    });
  }

  /** After healing: whoever is there stays. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  says(process: SimProcess, { id, state }: Registration, weight: number): void {
    process.mark(state);
    const before = this.#residents.get(id);
    if (state !== "up") return void this.#residents.delete(id);
    const saidMs = this.#sim.nowMs;
    const upSinceMs = before?.upSinceMs ?? saidMs;
    this.#residents.set(id, { process, weight, upSinceMs, saidMs });
  }

  /** It may be seen or not from now on. */
  goes(id: string): void {
    this.#residents.delete(id);
  }

  gone(id: string): void {
    this.#goneMs.set(id, this.#sim.nowMs);
  }

  /** A view that is judged. */
  follows(process: SimProcess, view: ServiceView): void {
    this.#views.set(process.name, view);
    this.#seen.set(process.name, 0);
    view.onChange((snapshot) => {
      process.mark(snapshot.isPanic ? "panic" : "seen");
      if (snapshot.isStale) process.mark("stale");
      this.#neverEmptiedByOutage(process, snapshot);
    });
  }

  /** Looks whether a view is true, where the store has answered its process all the time. */
  async observe(process: SimProcess, view: ServiceView, kv: KvStore): Promise<never> {
    let silentMs = 0;
    for (;;) {
      const { nowMs } = this.#sim;
      if (view.snapshot.isStale || !(await answers(kv))) silentMs = this.#sim.nowMs;
      else if (nowMs - silentMs > LAG_MS) this.#isTrue(view);
      await process.sleep(250);
    }
  }

  #neverEmptiedByOutage(process: SimProcess, snapshot: ServiceView["snapshot"]): void {
    const before = this.#seen.get(process.name) ?? 0;
    this.#seen.set(process.name, snapshot.endpoints.length);
    if (!snapshot.isStale || snapshot.endpoints.length > 0 || before === 0) return;
    this.#sim.fail("no outage empties a list", `${process.name} had ${before} instances`);
  }

  #isTrue({ snapshot }: ServiceView): void {
    const { nowMs } = this.#sim;
    const { endpoints, draining, doubted } = snapshot;
    const listed = new Set([...endpoints, ...draining].map(({ id }) => id));
    for (const [id, { upSinceMs, saidMs }] of this.#residents) {
      const isSettled = nowMs - saidMs < 500 && nowMs - upSinceMs > LAG_MS;
      if (!isSettled || listed.has(id)) this.#missedMs.delete(id);
      // Its last word may be older than its end: it has to say that it is up once more.
      else if (saidMs - (this.#missedMs.get(id) ?? nowMs) > 300) {
        this.#sim.fail("who is there is seen", `${id} is not`);
      } else if (!this.#missedMs.has(id)) this.#missedMs.set(id, nowMs);
    }
    for (const [id, goneMs] of this.#goneMs) {
      // A claim whose answer was lost may land late, for a TTL: it lists again who had gone.
      if (!listed.has(id) || doubted.has(id)) this.#goneMs.set(id, Math.max(goneMs, nowMs));
      else if (nowMs - goneMs > LAG_MS) {
        this.#sim.fail("who has drained is in no view", `${id} is, ${nowMs - goneMs} ms later`);
      }
    }
  }

  #agree(): true | string {
    const { nowMs } = this.#sim;
    const there = [...this.#residents].filter(
      ([, { process, saidMs }]) => process.isAlive && nowMs - saidMs < 1_000,
    );
    if (there.length < COUNT) return `${there.length} instances are there`;
    const truth = there
      .map(([id, { weight }]) => `${id}=${weight}`)
      .toSorted()
      .join(" ");
    for (const [name, { snapshot }] of this.#views) {
      const { endpoints, draining, isStale, isPanic } = snapshot;
      const all = [...endpoints, ...draining].map(({ id, weight }) => `${id}=${weight}`);
      const seen = [...new Set(all)].toSorted().join(" ");
      if (seen !== truth) return `${name} sees ${seen}; there are ${truth}`;
      if (isStale || isPanic) return `${name} is ${isStale ? "stale" : "in panic"}`;
    }
    return true;
  }
}

/** One life of an instance, ended in a way drawn by lot. */
async function live(process: SimProcess, here: Registration, census: Census): Promise<void> {
  const { time, random } = process.runtime;
  process.mark("registered");
  const endsMs = time.monotonicMs() + 1_000 + random.next() * 20_000;
  for (let weight = 1; census.isQuiet || time.monotonicMs() < endsMs;) {
    if (random.next() < 0.05 && !census.isQuiet) {
      weight = 1 + Math.floor(random.next() * 9);
      // Where the store does not take it in time it is told later.
      await attempt(process, () => here.update({ weight }));
    }
    census.says(process, here, weight);
    await process.sleep(200);
  }
  census.goes(here.id);
  const luck = random.next();
  if (luck < 0.25) {
    process.mark("silent end");
    return here.close();
  }
  if (luck < 0.5) await here.leave();
  else await here.drain({ finish: () => process.sleep(300) });
  census.gone(here.id);
  process.mark(luck < 0.5 ? "left" : "drained");
}

/** A `QuorateError` is part of the work, anything else a defect. */
async function attempt(process: SimProcess, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error === TIMED_OUT) return process.mark("not registered in time");
    if (!isQuorateError(error)) throw error;
    process.mark(`told ${error.code}`);
  }
}

/** Whether the store answers, in good time. */
async function answers(kv: KvStore): Promise<boolean> {
  try {
    await kv.get("probe/probe", { timeoutMs: 500 });
    return true;
  } catch (error) {
    if (!isQuorateError(error)) throw error;
    return false;
  }
}

const TIMED_OUT = new Error("timed out");

function timeout(process: SimProcess, ms: Ms): AbortSignal {
  const controller = new AbortController();
  process.runtime.time.setTimer(ms, () => controller.abort(TIMED_OUT));
  return controller.signal;
}
