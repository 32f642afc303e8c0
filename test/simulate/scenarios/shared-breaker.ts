/**
 * The shared breaker: five instances call a dependency that comes and goes, and agree on it through
 * a store that comes and goes as well. An operator now and then isolates the fleet by hand.
 *
 * What the fleet writes is seen from above: each write that was acknowledged, and each record that
 * a watch told of.
 */
import {
  type Backend,
  type Entry,
  isQuorateError,
  type KvStore,
  type Ms,
  type Random,
} from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";

import { breaker } from "../../../packages/resilience/src/breaker.ts";
import type { Fleet } from "../../../packages/resilience/src/fleet.ts";
import type { FleetTurned } from "../../../packages/resilience/src/shared/events.ts";
import { fleetControl } from "../../../packages/resilience/src/shared/fleet-control.ts";
import { sharedThrough } from "../../../packages/resilience/src/shared/shared-through.ts";
import { DURATION_MS, KEEPING, type Scenario } from "../scenario.ts";

const NAME = "billing";
const RECORD = `breaker/${NAME}/fleet`;
const OPERATOR = "operator";
const COUNT = 5;
/** How late a watch may tell what has happened. */
const MAX_LAG_MS = 200;
/** Time after healing in which every instance must hear that the fleet is closed. */
const RECOVERY_MS = 60_000;

const SHARED = {
  minCalls: 5,
  publishMs: 250,
  resetMs: 500,
  maxResetMs: 2_000,
  probeLeaseMs: 1_500,
  rampMs: 1_000,
};
const LOCAL = {
  name: NAME,
  window: { lastMs: 2_000 },
  trip: { minCalls: 10 },
  reset: { afterMs: 500, maxMs: 2_000 },
  probes: { count: 4, passes: 3, timeoutMs: 1_000 },
  rampMs: 500,
};

/** Instances, an operator, and a dependency. */
export const sharedBreaker: Scenario = {
  name: "shared-breaker",
  claim: "one instance probes at a time, no late verdict counts, calls never wait, and it closes",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { called: 50 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const dependency = new Dependency(sim);
    const views = new Views(sim, dependency);
    const records = new Records(sim, dependency);
    const probes = new Probes(sim, dependency);
    sim.process("instance", {
      count: COUNT,
      main: async (process) => {
        const spied = spyOn(process, store.backend(process), records);
        let fleet: Fleet | undefined;
        const join = sharedThrough(spied, { ...SHARED, instance: process.name });
        const { runtime } = process;
        const options = { ...LOCAL, runtime };
        const billing = breaker({
          ...options,
          share: (name, local) => (fleet = join(name, local)),
        });
        views.began(process);
        // The last one's calls are so rare that its probes outlast their lease.
        const restMs = process.index === COUNT - 1 ? 2_000 : 100;
        for (;;) {
          await callOnce(process, (work) => billing.run(work), { fleet, dependency, probes, sim });
          await process.sleep(restMs * process.runtime.random.next());
        }
      },
    });
    sim.process(OPERATOR, {
      faults: false,
      main: (process) => {
        return operate(process, spyOn(process, store.backend(process), records), dependency);
      },
    });
  },
};

/**
 * Up at first and at the end, and down in between, at times drawn by lot. Before it is ever down,
 * one instance cannot reach it for reasons of its own.
 */
class Dependency {
  readonly #sim: World;
  #isUp = true;
  #wasDown = false;
  #isHealed = false;

  constructor(sim: World) {
    this.#sim = sim;
    const random = sim.random("dependency");
    let atMs = 3_000;
    for (;;) {
      const backMs = atMs + 1_000 + random.next() * 8_000;
      if (backMs > DURATION_MS) break;
      sim.at(atMs, () => {
        this.#isUp = false;
        this.#wasDown = true;
      });
      sim.at(backMs, () => void (this.#isUp = true));
      atMs = backMs + 2_000 + random.next() * 8_000;
    }
  }

  /** All is well from now on. */
  heal(): void {
    this.#isHealed = true;
  }

  /** Whether all is well for good. */
  get isHealed(): boolean {
    return this.#isHealed;
  }

  /** Whether it was ever down. */
  get wasDown(): boolean {
    return this.#wasDown;
  }

  /** Whether a call of `process` is answered now. */
  answers(process: SimProcess): boolean {
    const isCutOff = process.index === 0 && this.#sim.nowMs > 300 && !this.#wasDown;
    return this.#isHealed || (this.#isUp && !isCutOff);
  }
}

/** What each instance knows of the fleet. Instances have a name of their own in each life. */
class Views {
  readonly #sim: World;
  readonly #epochs = new Map<string, number>();
  /** The last word by process. */
  readonly #states = new Map<string, FleetTurned["state"]>();

  constructor(sim: World, dependency: Dependency) {
    this.#sim = sim;
    sim.on("breaker.fleet", (event, node) => this.#hear(event as FleetTurned, node.name));
    sim.eventually(
      "every instance hears that the fleet is closed",
      { withinMs: RECOVERY_MS },
      () => {
        dependency.heal(); // Asked for the first time when everything else has healed.
        const late = [...this.#states].filter(([, state]) => state !== "closed");
        return (
          late.length === 0 || late.map(([name, state]) => `${name} hears ${state}`).join(", ")
        );
      },
    );
  }

  began(process: SimProcess): void {
    this.#states.set(process.name, "unknown");
  }

  #hear({ instance, epoch, state }: FleetTurned, process: string): void {
    const before = this.#epochs.get(instance) ?? 0;
    if (epoch < before) {
      this.#sim.fail("epochs never go back", `${process} heard ${epoch} after ${before}`);
    }
    this.#epochs.set(instance, epoch);
    this.#states.set(process, state);
    this.#sim.mark(`fleet ${state}`);
  }
}

/** What was written: who went over which record. */
class Records {
  readonly #sim: World;
  readonly #dependency: Dependency;
  readonly #successors = new Map<number, number>();
  readonly #isolated = new Set<number>();

  constructor(sim: World, dependency: Dependency) {
    this.#sim = sim;
    this.#dependency = dependency;
  }

  saw({ key, value, revision }: Entry): void {
    if (key !== RECORD) return;
    const { from, state, by } = JSON.parse(Buffer.from(value).toString()) as {
      from: number;
      state: string;
      by: string;
    };
    const successor = this.#successors.get(from) ?? revision;
    this.#successors.set(from, revision);
    if (successor !== revision) {
      this.#sim.fail("a record has one successor", `${from} has ${successor} and ${revision}`);
    }
    if (state === "open" && !this.#dependency.wasDown) {
      this.#sim.fail("one sick instance opens nothing", `${by} opened the fleet`);
    }
    if (state === "isolated") this.#isolated.add(revision);
    if (this.#isolated.has(from) && by !== OPERATOR) {
      this.#sim.fail("isolation ends by hand", `${by} made it ${state}`);
    }
  }
}

/** Probes as they begin: of one instance per epoch, and none after one of a newer epoch. */
class Probes {
  readonly #sim: World;
  readonly #random: Random;
  readonly #probers = new Map<number, string>();
  readonly #dependency: Dependency;
  #newest = 0;

  constructor(sim: World, dependency: Dependency) {
    this.#sim = sim;
    this.#dependency = dependency;
    this.#random = sim.random("probers");
  }

  begins(process: SimProcess, epoch: number): void {
    const who = `${process.name} in life ${process.incarnation}`;
    const prober = this.#probers.get(epoch) ?? who;
    this.#probers.set(epoch, prober);
    if (prober !== who) {
      this.#sim.fail("one instance probes", `${prober} and ${who} probe in ${epoch}`);
    }
    if (epoch < this.#newest) {
      this.#sim.fail("one instance probes", `${who} probes in ${epoch} after ${this.#newest}`);
    }
    this.#newest = epoch;
    process.mark("probe");
    // At the worst moment: its lease may be over, and another prober at work, when it goes on.
    if (this.#dependency.isHealed) return;
    const luck = this.#random.next();
    const forMs = 1_000 + this.#random.next() * 5_000;
    if (luck < 0.1) this.#sim.inject({ kind: "pause", target: process.name, forMs });
    else if (luck < 0.3) {
      const values = { side: [process.name], direction: "both" };
      this.#sim.inject({ kind: "partition", target: "network", forMs, values });
    }
  }
}

/** The backend, with somebody looking over its shoulder. */
function spyOn(process: SimProcess, backend: Backend, records: Records): Backend {
  const { name, kv, leases, bus, runtime, capabilities } = backend;
  const spy: Pick<KvStore, "get" | "put" | "delete" | "watch"> = {
    get: (key, options) => kv.get(key, options),
    delete: (key, options) => kv.delete(key, options),
    async put(key, value, options) {
      const put = await kv.put(key, value, options);
      if (put.ok) records.saw(put.entry);
      return put;
    },
    async *watch(target, options) {
      for await (const change of kv.watch(target, options)) {
        if (change.kind === "put") records.saw(change.entry);
        // Where watches have a connection of their own, answers overtake what they tell.
        await process.sleep(process.runtime.random.next() * MAX_LAG_MS);
        yield change;
      }
    },
  };
  return { name, kv: spy, leases, bus, runtime, capabilities } as unknown as Backend;
}

interface Around {
  readonly fleet: Fleet | undefined;
  readonly dependency: Dependency;
  readonly probes: Probes;
  readonly sim: World;
}

/** A call; it reaches the dependency, or is turned away, in the very moment in which it is made. */
async function callOnce(
  process: SimProcess,
  run: (work: () => Promise<void>) => Promise<void>,
  { fleet, dependency, probes, sim }: Around,
): Promise<void> {
  const { time, random } = process.runtime;
  const sentMs = time.monotonicMs();
  const onTime = (what: string): void => {
    const tookMs = time.monotonicMs() - sentMs;
    if (tookMs > 0) sim.fail("calls never wait for the store", `${what} after ${tookMs} ms`);
  };
  let hasRun = false;
  process.mark("called");
  try {
    await run(async () => {
      hasRun = true;
      onTime("it ran");
      const verdict = fleet?.verdict;
      if (verdict?.kind === "probing") probes.begins(process, verdict.epoch);
      await process.sleep(random.next() * 50);
      if (!dependency.answers(process)) throw new Error("the dependency is down");
    });
  } catch (error) {
    if (hasRun) return;
    if (!isQuorateError(error, "BREAKER_OPEN")) throw error;
    onTime("it was turned away");
    process.mark("turned away");
  }
}

/** Isolates the fleet now and then, and always releases it. */
async function operate(
  process: SimProcess,
  backend: Backend,
  dependency: Dependency,
): Promise<void> {
  const { random } = process.runtime;
  const fleet = fleetControl(backend, NAME);
  await process.sleep(1_000 + random.next() * 4_000);
  while (!dependency.isHealed) {
    await insist(process, () => fleet.isolate({ by: OPERATOR, why: "to see what happens" }));
    process.mark("isolated by hand");
    await process.sleep(random.next() * 3_000);
    await insist(process, () => fleet.release({ by: OPERATOR, why: "seen", rampMs: 500 }));
    await process.sleep(8_000 + random.next() * 10_000);
  }
}

async function insist(process: SimProcess, order: () => Promise<unknown>): Promise<Ms> {
  for (;;) {
    try {
      await order();
      return process.runtime.time.monotonicMs();
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      await process.sleep(500);
    }
  }
}
