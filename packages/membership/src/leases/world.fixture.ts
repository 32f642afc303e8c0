/**
 * Members in processes of their own, on one store in memory and in scripted time. Each process may
 * be paused by itself, and counts its calls of the store, of which any may be made to fail.
 */
import { type Backend, type LeaseStore, QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { PausableRuntime } from "../../../../test/support/pausable-runtime.ts";
import { type Outcome, outcomeOf, valueOf } from "../../../../test/support/scripted-outcome.ts";
import type { MembershipEvent } from "../membership.ts";
import { createLeaseMembership, type LeaseMembership } from "./lease-membership.ts";
import type { LeaseMembershipOptions } from "./options.ts";

/** What becomes of one call of the store: it never leaves, or its answer never comes. */
export type Mishap = "none" | "unanswered";

/** The calls of one process. */
export interface Calls {
  /** `acquire`, `renew` or `release`, in order. */
  readonly made: string[];
  /** What happens to the call of this number, from 0; `undefined`: nothing. */
  fate: (index: number, name: string) => Mishap | undefined;
}

/** One process. */
export interface TestProcess {
  /** As the membership sees it: with faults. */
  readonly backend: Backend;
  readonly memory: MemoryBackend;
  readonly calls: Calls;
  /** Joins the group `workers` with a TTL of 3 s, or as told; without an id it looks on. */
  join(options?: Partial<LeaseMembershipOptions>): LeaseMembership;
  pause(): void;
  resume(): void;
}

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime;
  readonly store: MemoryStore;
  #processes = 0;

  constructor(seed = 1) {
    this.runtime = new ScriptedRuntime({ seed });
    this.store = createMemoryStore({ runtime: this.runtime });
  }

  /** Starts a process. */
  process(): TestProcess {
    this.#processes += 1;
    const pausable = new PausableRuntime(this.runtime, this.#processes);
    const { store } = this;
    const memory = memoryBackend({ store, runtime: pausable, requestTimeoutMs: 500 });
    const calls: Calls = { made: [], fate: () => undefined };
    const leases = intercepted(memory.leases, calls);
    const backend = new Proxy(memory, {
      get: (one, property) => (property === "leases" ? leases : memberOf(one, property)),
    });
    return {
      ...{ backend, memory, calls },
      join: (options = {}) =>
        createLeaseMembership(backend, { group: "workers", ttlMs: 3_000, ...options }),
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

  /** A member, joined. */
  async member(id: string, options: Partial<LeaseMembershipOptions> = {}): Promise<Joined> {
    const process = this.process();
    const membership = process.join({ id, ...options });
    await this.settled(membership.ready());
    return { ...process, membership };
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
      .filter((one) => one.name === `membership.${name}`)
      .map(({ event }) => event);
  }
}

/** A process with a member. */
export interface Joined extends TestProcess {
  readonly membership: LeaseMembership;
}

/** Collects what a watch of `membership` tells, in short: `joined a`, `synced`. */
export function told(membership: LeaseMembership): string[] {
  const lines: string[] = [];
  void (async () => {
    for await (const event of membership.watch()) lines.push(shown(event));
  })();
  return lines;
}

/** States by name: `a alive, b down`. */
export function states(membership: LeaseMembership): string {
  return membership.members.map(({ id, state }) => `${id} ${state}`).join(", ");
}

function shown(event: MembershipEvent): string {
  return "member" in event ? `${event.kind} ${event.member.id}` : event.kind;
}

const METHODS: readonly PropertyKey[] = ["acquire", "renew", "release"];

function intercepted(leases: LeaseStore, calls: Calls): LeaseStore {
  return new Proxy(leases, {
    get: (one, property) => {
      const member = memberOf(one, property);
      if (!METHODS.includes(property)) return member;
      return through(calls, String(property), member as Method);
    },
  });
}

type Method = (...args: unknown[]) => Promise<unknown>;

function memberOf(one: object, property: PropertyKey): unknown {
  const member = Reflect.get(one, property) as unknown;
  return typeof member === "function" ? (member.bind(one) as unknown) : member;
}

function through(calls: Calls, operation: string, method: Method): Method {
  return async (...args) => {
    const fate = calls.fate(calls.made.length, operation);
    calls.made.push(operation);
    const details = { operation };
    if (fate === "none") {
      throw new QuorateError("STORE_UNAVAILABLE", "scripted", { effect: "none", details });
    }
    const answer = await method(...args);
    if (fate === undefined) return answer;
    throw new QuorateError("OUTCOME_UNKNOWN", "scripted", { effect: "unknown", details });
  };
}
