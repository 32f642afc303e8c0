/**
 * Candidates in processes of their own, on one store in memory and in scripted time. Each process
 * may be paused by itself, and counts its calls of the store, of which any may be made to fail.
 */
import { type Backend, QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { PausableRuntime } from "../../../test/support/pausable-runtime.ts";
import { type Outcome, outcomeOf } from "../../../test/support/scripted-outcome.ts";
import { createElection } from "./create-election.ts";
import type { Election } from "./election.ts";
import type { ElectionOptions } from "./options.ts";

/** What becomes of one call of the store: it never leaves, or its answer never comes. */
export type Mishap = "none" | "unanswered";

/** The calls of one process. */
export interface Calls {
  /** `leases.acquire` and so on, in order. */
  readonly made: string[];
  /** What happens to the call of this number, from 0; `undefined`: nothing. */
  fate: (index: number, name: string) => Mishap | undefined;
}

/** One process. */
export interface TestProcess {
  /** As the election sees it: with faults. */
  readonly backend: Backend;
  readonly memory: MemoryBackend;
  readonly election: Election;
  readonly calls: Calls;
  /** Another candidate of the same process. */
  elect(candidate: string, options?: ElectionOptions): Election;
  pause(): void;
  resume(): void;
}

const METHODS = {
  leases: ["acquire", "renew", "release", "inspect"],
  kv: ["get", "put", "delete"],
  fenced: ["raise", "write"],
  bus: ["publish", "subscribe"],
} as const;

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime;
  readonly store: MemoryStore;
  #processes = 0;

  constructor(seed = 1) {
    this.runtime = new ScriptedRuntime({ seed });
    this.store = createMemoryStore({ runtime: this.runtime });
  }

  /** Starts a process with one candidate for `job`. TTL 3 s unless told otherwise. */
  process(candidate: string, options: ElectionOptions = {}): TestProcess {
    this.#processes += 1;
    const pausable = new PausableRuntime(this.runtime, this.#processes);
    const memory = memoryBackend({
      store: this.store,
      runtime: pausable,
      requestTimeoutMs: 500,
    });
    const calls: Calls = { made: [], fate: () => undefined };
    const backend = intercepted(memory, calls);
    const elect = (name: string, own: ElectionOptions = {}): Election =>
      createElection(backend, "job", { candidate: name, ttlMs: 3_000, ...own });
    return {
      ...{ backend, memory, calls, elect, election: elect(candidate, options) },
      pause: () => {
        pausable.pause();
        memory.faults.pauseReplies();
      },
      resume: () => {
        // Node's order after a stall: first the timers that are due, then what has been received.
        pausable.resume();
        memory.faults.resumeReplies();
      },
    };
  }

  /** Advances until `promise` has settled, at most `maxMs`; its value, or what it threw. */
  outcome<T>(promise: Promise<T>, maxMs = 120_000): Promise<Outcome<T>> {
    return outcomeOf(this.runtime, promise, { maxMs, stepMs: 20 });
  }

  /** `ms` of work. */
  work(ms: number): Promise<void> {
    return new Promise((resolve) => void this.runtime.time.setTimer(ms, resolve));
  }

  get nowMs(): number {
    return this.runtime.time.monotonicMs();
  }

  /** Events of this name so far. */
  events(name: string): readonly object[] {
    return this.runtime.recorded
      .filter((one) => one.name === `election.${name}`)
      .map(({ event }) => event);
  }
}

/** A promise that ends with the signal, as well-behaved work does. */
export function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function intercepted(backend: MemoryBackend, calls: Calls): Backend {
  const { fenced } = backend.kv;
  const parts: Record<PropertyKey, object> = {
    leases: counted(backend.leases, "leases", calls),
    bus: counted(backend.bus, "bus", calls),
    kv: counted(backend.kv, "kv", calls, fenced && { fenced: counted(fenced, "fenced", calls) }),
  };
  return new Proxy(backend, { get: (one, property) => parts[property] ?? memberOf(one, property) });
}

/** `target`, whose methods of that kind are counted, and some members replaced. */
function counted<T extends object>(
  target: T,
  kind: keyof typeof METHODS,
  calls: Calls,
  instead: Record<PropertyKey, object> = {},
): T {
  return new Proxy(target, {
    get: (one, property) => {
      const member = instead[property] ?? memberOf(one, property);
      if (!(METHODS[kind] as readonly unknown[]).includes(property)) return member;
      return through(calls, `${kind}.${String(property)}`, member as Method);
    },
  });
}

type Method = (...args: unknown[]) => unknown;

function memberOf(one: object, property: PropertyKey): unknown {
  const member = Reflect.get(one, property) as unknown;
  return typeof member === "function" ? (member.bind(one) as unknown) : member;
}

function through(
  calls: Calls,
  operation: string,
  method: Method,
): (...args: unknown[]) => Promise<unknown> {
  return async (...args) => {
    const fate = calls.fate(calls.made.length, operation);
    calls.made.push(operation);
    const details = { operation };
    if (fate === "none") {
      throw new QuorateError("STORE_UNAVAILABLE", "scripted", { effect: "none", details });
    }
    const answer = await method(...args);
    if (fate === undefined) return answer;
    throw new QuorateError("OUTCOME_UNKNOWN", "scripted", {
      ...{ effect: "unknown", details },
      resolve: async () => "applied" as const,
    });
  };
}
