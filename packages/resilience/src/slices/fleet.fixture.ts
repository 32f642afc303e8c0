/**
 * A fleet of instances that share a rate on one store in memory, in scripted time.
 *
 * Instances are driven by hand: `press` has one make so many calls at this moment. What they let
 * through is written down, and judged at the end against the bound, over every interval.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";

import {
  sharedRateLimit,
  type SharedRateLimiter,
  type SharedRateLimitOptions,
} from "./shared-rate-limit.ts";

/** One process of the fleet. */
export interface Instance {
  readonly backend: MemoryBackend;
  readonly limiter: SharedRateLimiter;
  /** It calls and hears no more; what it held stays in the store until its lease is over. */
  crash(): void;
  readonly isCrashed: boolean;
}

/** A store, its fleet, and what passed. */
export class Fleet {
  readonly runtime: ScriptedRuntime;
  readonly passed: { readonly atMs: number; readonly count: number }[] = [];
  readonly instances: Instance[] = [];
  /** Calls that reached the store. */
  storeCalls = 0;
  readonly #store;
  readonly #options: SharedRateLimitOptions;

  constructor(options: SharedRateLimitOptions, seed = 1) {
    this.runtime = new ScriptedRuntime({ seed });
    this.#store = createMemoryStore({ runtime: this.runtime });
    this.#options = options;
  }

  /** Starts an instance. */
  join(): Instance {
    const backend = memoryBackend({ store: this.#store, runtime: this.runtime });
    const { kv } = backend;
    const counted = {
      ...backend,
      runtime: this.runtime,
      kv: {
        get: (...args: Parameters<typeof kv.get>) => this.#count(kv.get(...args)),
        put: (...args: Parameters<typeof kv.put>) => this.#count(kv.put(...args)),
      },
    } as unknown as MemoryBackend;
    const limiter = sharedRateLimit(counted, "api", this.#options);
    let isCrashed = false;
    const instance: Instance = {
      backend,
      limiter,
      crash() {
        isCrashed = true;
        backend.faults.cut();
      },
      get isCrashed() {
        return isCrashed;
      },
    };
    this.instances.push(instance);
    return instance;
  }

  /** `instance` makes `calls` calls now; returns how many passed. */
  press(instance: Instance, calls: number): number {
    if (instance.isCrashed) return 0;
    let count = 0;
    for (let call = 0; call < calls; call++) if (instance.limiter.tryTake()) count += 1;
    if (count > 0) this.passed.push({ atMs: this.runtime.time.monotonicMs(), count });
    return count;
  }

  /** For `ms`, in steps of `stepMs`: each instance makes as many calls as `demand` says. */
  async run(
    ms: number,
    demand: (instance: Instance, index: number) => number,
    stepMs = 20,
  ): Promise<number> {
    let sum = 0;
    for (let doneMs = 0; doneMs < ms; doneMs += stepMs) {
      for (const [index, instance] of this.instances.entries()) {
        sum += this.press(instance, demand(instance, index));
      }
      await this.runtime.advance(stepMs);
    }
    return sum;
  }

  /** How far the worst interval is above `limit · t`; the bound is `burst + instances`. */
  worstExcess(): number {
    const { limit, perMs } = this.#options;
    // Over all intervals at once: the largest rise of (passed so far - limit · t).
    let sum = 0;
    let lowest = Infinity;
    let worst = 0;
    for (const { atMs, count } of this.passed) {
      lowest = Math.min(lowest, sum - (limit * atMs) / perMs);
      sum += count;
      worst = Math.max(worst, sum - (limit * atMs) / perMs - lowest);
    }
    return worst;
  }

  #count<T>(call: Promise<T>): Promise<T> {
    this.storeCalls += 1;
    return call;
  }
}
