/**
 * One process's connection to one namespace: what its kv, leases and bus have in common.
 */
import {
  type Capabilities,
  type CheckedCall,
  type Lifecycle,
  type RequestBounds,
  type Runtime,
} from "@quorate/core";
import type { CallFate } from "../store/ledger.ts";
import type { Store } from "../store/memory-store.ts";
import type { Space } from "../store/space.ts";
import type { EngineTwin } from "../twin.ts";
import type { Link } from "./link.ts";

/** How much longer than by our clock a call may be under way by the store's. */
const CLOCK_SLACK_MS = 1_000;

/** What memory promises: everything but to outlive its process. */
export const MEMORY_CAPABILITIES: Capabilities = {
  reads: "linearizable",
  writes: "single",
  revisions: "clock",
  expiry: "server",
  minTtlMs: 1,
  expiryLagMs: 0,
  maxValueBytes: 524_288,
  leaseSafety: "lease",
};

/** What a process is made of. */
export interface ProcessOptions {
  readonly store: Store;
  readonly space: Space;
  readonly runtime: Runtime;
  readonly requestTimeoutMs: number;
  /** Names this process at the store; unique among its backends. */
  readonly id: string;
  readonly link: Link;
  readonly lifecycle: Lifecycle;
  /** Whose bounds it keeps to. */
  readonly twin: EngineTwin;
}

/** A write, for its link and for errors. */
export interface WriteRequest {
  readonly operation: string;
  readonly call: CheckedCall & { readonly key: string };
}

/** A process as its kv, leases and bus see it. */
export class Process {
  readonly id: string;
  readonly store: Store;
  readonly space: Space;
  readonly runtime: Runtime;
  readonly link: Link;
  readonly lifecycle: Lifecycle;
  readonly twin: EngineTwin;
  readonly bounds: RequestBounds;
  #calls = 0;

  constructor(options: ProcessOptions) {
    const { store, space, runtime, requestTimeoutMs } = options;
    this.id = options.id;
    this.store = store;
    this.space = space;
    this.runtime = runtime;
    this.link = options.link;
    this.lifecycle = options.lifecycle;
    this.twin = options.twin;
    const { minTtlMs, maxValueBytes } = options.twin.capabilities;
    const newOperationId = (): string => runtime.ids.operation();
    this.bounds = { minTtlMs, maxValueBytes, requestTimeoutMs, newOperationId };
  }

  /** A question that changes nothing. Not a promise where the link is calm. */
  read<T>(operation: string, call: CheckedCall, run: () => T): T | Promise<T> {
    if (this.link.isCalm) return run();
    return this.#ask(operation, call, run);
  }

  #ask<T>(operation: string, call: CheckedCall, run: () => T): Promise<T> {
    const { signal, timeoutMs } = call;
    const promise = this.link.call({ operation, kind: "read", timeoutMs, signal, run });
    return this.lifecycle.track(promise);
  }

  /**
   * A write over a link that is not calm. `applied` tells whether the answer means that. Its
   * outcome the ledger keeps, for who never hears it; where the link is calm whoever asks hears it.
   */
  write<T>(request: WriteRequest, run: () => T, applied: (answer: T) => boolean): Promise<T> {
    this.#calls += 1;
    const call = `${this.id}:${this.#calls}`;
    const sentMs = this.runtime.time.monotonicMs();
    const { ledger, clock } = this.store;
    const noted = (): T => {
      // A banned call is a straggler whose caller was told that it never happened.
      if (!ledger.admits(call)) throw this.lifecycle.closedError();
      const answer = run();
      ledger.note(call, applied(answer) ? "applied" : "none", clock.steadyMs());
      return answer;
    };
    const resolve = (options: { readonly signal?: AbortSignal } = {}): Promise<CallFate> => {
      const bounds = { signal: options.signal, timeoutMs: this.bounds.requestTimeoutMs };
      const elapsedMs = this.runtime.time.monotonicMs() - sentMs + CLOCK_SLACK_MS;
      const settle = (): CallFate => ledger.settle(call, elapsedMs, clock.steadyMs());
      return this.#ask("resolve", bounds, settle);
    };
    const { operation, call: asked } = request;
    const { key, timeoutMs, signal } = asked;
    const exchange = { operation, key, timeoutMs, signal, run: noted, resolve };
    const promise = this.link.call({ kind: "write", ...exchange });
    return this.lifecycle.track(promise);
  }
}
