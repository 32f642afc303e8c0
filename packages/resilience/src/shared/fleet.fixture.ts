/**
 * A fleet for tests: real breakers on one memory store, in scripted time. Each instance has a link
 * of its own, and all make their calls from one timer.
 */
import type { Ms } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";

import type { BreakerOptions } from "../breaker-options.ts";
import { type Breaker, breaker } from "../breaker.ts";
import type { Fleet, JoinFleet, LocalEvidence } from "../fleet.ts";
import type { FleetTurned } from "./events.ts";
import { RETENTION_MS } from "./record.ts";
import type { SharedOptions } from "./settings.ts";
import type { SharedFleet } from "./shared-fleet.ts";
import { sharedThrough } from "./shared-through.ts";

/** Time between two rounds of calls. */
const BEAT_MS = 50;

/** One instance. */
export interface Instance {
  readonly index: number;
  readonly backend: MemoryBackend;
  readonly breaker: Breaker;
  readonly fleet: SharedFleet;
  /** Whether its calls to the dependency fail. */
  isSick: boolean;
  /** Calls per second. */
  rps: number;
  owedCalls: number;
}

/** What the calls of a fleet came to. */
export interface Calls {
  ok: number;
  /** They reached the dependency and failed. */
  faulty: number;
  rejected: number;
}

/** Instances, and their time. */
export class FleetWorld {
  readonly runtime: ScriptedRuntime = new ScriptedRuntime();
  readonly store: ReturnType<typeof createMemoryStore> = createMemoryStore({
    runtime: this.runtime,
  });
  readonly instances: Instance[] = [];
  readonly calls: Calls = { ok: 0, faulty: 0, rejected: 0 };

  /** Adds instances, all alike. */
  async add(
    count: number,
    options: {
      readonly rps?: number;
      readonly shared?: SharedOptions;
      readonly breaker?: BreakerOptions;
    } = {},
  ): Promise<readonly Instance[]> {
    const added = Array.from({ length: count }, () => this.#make(options));
    await this.runtime.advance(1);
    return added;
  }

  /** Lets everybody make calls for `ms`. */
  async run(ms: Ms): Promise<void> {
    for (let elapsedMs = 0; elapsedMs < ms; elapsedMs += BEAT_MS) {
      for (const instance of this.instances) this.#beat(instance);
      await this.runtime.advance(BEAT_MS);
    }
  }

  /** Runs until `isSo`, at most `withinMs`; how long it took. @throws Error it never was. */
  async until(isSo: () => boolean, withinMs: Ms): Promise<Ms> {
    for (let elapsedMs = 0; elapsedMs <= withinMs; elapsedMs += BEAT_MS) {
      if (isSo()) return elapsedMs;
      await this.run(BEAT_MS);
    }
    throw new Error(`it did not come to be within ${withinMs} ms`);
  }

  /** How many instances hear this kind of verdict; `undefined`: none. */
  hearing(kind: "open" | "probing" | "ramping" | undefined): number {
    return this.instances.filter(({ fleet }) => fleet.verdict?.kind === kind).length;
  }

  /** Writes of all instances until now. */
  get writes(): number {
    return this.instances.reduce((sum, { fleet }) => sum + fleet.stats.writes, 0);
  }

  /** Makes the calls of `indexes` fail, and those of no others. */
  ail(isSick: (index: number) => boolean): void {
    for (const instance of this.instances) instance.isSick = isSick(instance.index);
  }

  /** How many breakers are open, by their own judgement or the fleet's. */
  get openBreakers(): number {
    return this.instances.filter(({ breaker: one }) => one.state === "open").length;
  }

  /** What the fleet went through, as its instances heard it. */
  get history(): readonly string[] {
    const heard: string[] = [];
    let newest = 0;
    for (const { name, event } of this.runtime.recorded) {
      if (name !== "breaker.fleet") continue;
      const { epoch, state } = event as FleetTurned;
      if (epoch > newest) heard.push(state);
      newest = Math.max(newest, epoch);
    }
    return heard;
  }

  /** Ends all. */
  async close(): Promise<void> {
    const closing = this.instances.map(async ({ breaker: one, backend }) => {
      await one[Symbol.asyncDispose]();
      await backend.close({ graceMs: 0 });
    });
    await this.runtime.advance(5_000);
    await Promise.all(closing);
    // The store has a timer of its own for keys that expire.
    await this.runtime.advance(2 * RETENTION_MS);
  }

  #make(options: Parameters<FleetWorld["add"]>[1] & object): Instance {
    const { runtime, store } = this;
    const index = this.instances.length;
    const backend = memoryBackend({ store, process: `i${index}` });
    let fleet: Fleet | undefined;
    const join = sharedThrough(backend, options.shared ?? {});
    const share: JoinFleet = (name: string, local: LocalEvidence) => (fleet = join(name, local));
    const one = breaker({ name: "billing", runtime, ...options.breaker, share });
    const { rps = 10 } = options;
    // Out of step with each other, as they would be.
    const owedCalls = runtime.random.next();
    const made = { index, backend, breaker: one, isSick: false, rps, owedCalls };
    const instance: Instance = { ...made, fleet: fleet as Fleet as SharedFleet };
    this.instances.push(instance);
    return instance;
  }

  #beat(instance: Instance): void {
    instance.owedCalls += (instance.rps * BEAT_MS) / 1_000;
    for (; instance.owedCalls >= 1; instance.owedCalls -= 1) this.#call(instance);
  }

  #call(instance: Instance): void {
    let ran = false;
    const work = (): void => {
      ran = true;
      if (instance.isSick) throw new Error("the dependency is down");
    };
    void instance.breaker.run(work).then(
      () => void (this.calls.ok += 1),
      () => void (ran ? (this.calls.faulty += 1) : (this.calls.rejected += 1)),
    );
  }
}
