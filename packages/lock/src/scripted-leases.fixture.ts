/**
 * A lease store that says what a test tells it to, for the cases that are about the answer itself.
 * Where nothing is told it grants each claim at once and renews all. It has no line: tests about
 * waiting run on `@quorate/memory`.
 */
import {
  type Backend,
  type Grant,
  leaseWindow,
  type LeaseRequest,
  type LeaseStore,
  QuorateError,
  type Refusal,
  type Renewal,
  type Runtime,
} from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";

/** What a scripted store was asked, and what it shall answer. */
export class ScriptedLeases {
  readonly runtime: ScriptedRuntime;
  readonly acquired: { readonly name: string; readonly request: LeaseRequest }[] = [];
  readonly renewals: { readonly atMs: number; readonly owners: readonly string[] }[] = [];
  readonly released: string[] = [];
  /** Answers to claims in order; then grants. */
  readonly claims: ((grant: () => Grant) => Promise<Grant | Refusal>)[] = [];
  renew: (grants: readonly Grant[], timeoutMs: number) => Promise<readonly Renewal[]> = async (
    grants,
  ) => grants.map(() => "renewed");
  release: (owner: string) => Promise<"released" | "expired"> = async () => "released";
  #tokens = 1_000;

  constructor(runtime: ScriptedRuntime = new ScriptedRuntime()) {
    this.runtime = runtime;
  }

  /** A backend of which only leases exist. */
  get backend(): Backend {
    const leases: Partial<LeaseStore> = {
      acquire: (name, request) => this.#acquire(name, request),
      renew: (grants, options) => {
        const owners = grants.map(({ owner }) => owner);
        this.renewals.push({ atMs: this.runtime.time.monotonicMs(), owners });
        return this.renew(grants, options?.timeoutMs ?? 5_000);
      },
      release: (grant) => {
        this.released.push(grant.owner);
        return this.release(grant.owner);
      },
    };
    const backend: Partial<Backend> = {
      name: "scripted",
      leases: leases as LeaseStore,
      runtime: this.runtime satisfies Runtime,
      capabilities: { leaseSafety: "lease" } as Backend["capabilities"],
    };
    return backend as Backend;
  }

  #acquire(name: string, request: LeaseRequest): Promise<Grant | Refusal> {
    this.acquired.push({ name, request });
    const window = leaseWindow(this.runtime.time, request.ttlMs);
    const grant = (): Grant => {
      this.#tokens += 1;
      const { owner, ttlMs, weight = 1 } = request;
      return { granted: true, name, owner, fencingToken: this.#tokens, weight, ttlMs, ...window };
    };
    const told = this.claims.shift();
    return told === undefined ? Promise.resolve(grant()) : told(grant);
  }
}

/** The store gave no answer. */
export function noAnswer(operation: string): QuorateError {
  const options = { effect: "unknown", details: { operation } } as const;
  return new QuorateError("OUTCOME_UNKNOWN", `${operation} was not answered`, options);
}

/** The store cannot be reached. */
export function unavailable(operation: string): QuorateError {
  const options = { effect: "none", details: { operation } } as const;
  return new QuorateError("STORE_UNAVAILABLE", `${operation} was not sent`, options);
}

/** A promise that never settles: a mute store. */
export function mute<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

/** A mute store as an engine shows it: the call's own deadline ends it. */
export function muteUntil<T>(runtime: ScriptedRuntime, timeoutMs: number): Promise<T> {
  return new Promise<T>((_resolve, reject) => {
    runtime.time.setTimer(timeoutMs, () => reject(noAnswer("leases.renew")));
  });
}
