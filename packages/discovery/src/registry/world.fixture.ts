/**
 * Instances and callers in processes of their own, on one store in memory and in scripted time.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { type Outcome, outcomeOf, valueOf } from "../../../../test/support/scripted-outcome.ts";
import type { ServiceSnapshot, ServiceView } from "../service-view.ts";
import { createRegistry, type Registry } from "./create-registry.ts";
import type { InstanceOptions, RegistryOptions } from "./options.ts";
import type { Registration } from "./registration.ts";

/** One process. */
export interface TestProcess {
  readonly backend: MemoryBackend;
  readonly registry: Registry;
}

/** A process with an instance. */
export interface TestServer extends TestProcess {
  readonly here: Registration;
}

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime = new ScriptedRuntime({ seed: 1 });
  readonly store: MemoryStore = createMemoryStore({
    runtime: this.runtime,
    undoMs: 1_000,
  });

  /** Starts a process. Leases last 3 s unless told otherwise. */
  process(options: RegistryOptions = {}): TestProcess {
    const { store, runtime } = this;
    const backend = memoryBackend({ store, runtime, requestTimeoutMs: 500 });
    return { backend, registry: createRegistry(backend, { ttlMs: 3_000, ...options }) };
  }

  /** Starts a process with an instance of `billing`, version 1.0.0. */
  async server(id: string, options: Partial<InstanceOptions> = {}): Promise<TestServer> {
    const process = this.process();
    const registering = process.registry.register({
      ...{ service: "billing", version: "1.0.0", address: `at-${id}`, id },
      ...options,
    });
    return { ...process, here: await this.settled(registering) };
  }

  /** Starts `count` of them: s0, s1 and so on. */
  async servers(count: number, options: Partial<InstanceOptions> = {}): Promise<TestServer[]> {
    const servers: TestServer[] = [];
    for (let index = 0; index < count; index++) {
      servers.push(await this.server(`s${index}`, options));
    }
    return servers;
  }

  /** Starts a process that looks at `billing`. */
  async caller(range = "*", options: RegistryOptions = {}): Promise<TestCaller> {
    const process = this.process(options);
    const view = process.registry.service("billing", range);
    const snapshots: ServiceSnapshot[] = [];
    view.onChange((snapshot) => snapshots.push(snapshot));
    await this.runtime.advance(50);
    return { ...process, view, snapshots };
  }

  /** Advances until `promise` has settled, at most `maxMs`; what became of it. */
  outcome<T>(promise: Promise<T>, maxMs = 60_000): Promise<Outcome<T>> {
    return outcomeOf(this.runtime, promise, { maxMs, stepMs: 20 });
  }

  /** As `outcome`; throws what it threw. */
  async settled<T>(promise: Promise<T>, maxMs?: number): Promise<T> {
    return valueOf(await this.outcome(promise, maxMs));
  }

  /** Events of this name so far. */
  events(name: string): readonly object[] {
    return this.runtime.recorded
      .filter((one) => one.name === `discovery.${name}`)
      .map(({ event }) => event);
  }
}

/** A process that looks on. */
export interface TestCaller extends TestProcess {
  readonly view: ServiceView;
  /** Each new snapshot. */
  readonly snapshots: readonly ServiceSnapshot[];
}

/** Ids of those that may be asked. */
export function idsOf({ snapshot }: ServiceView): string {
  return snapshot.endpoints.map(({ id }) => id).join(" ");
}
