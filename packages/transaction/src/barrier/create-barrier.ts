/**
 * `createBarrier`: the barrier on a kv store.
 */
import {
  type Backend,
  callable,
  checkName,
  invalidArgument,
  type Json,
  knownOptions,
  positiveInteger,
} from "@quorate/core";

import type {
  Barrier,
  BranchView,
  GuardedRecordOptions,
  PassWork,
  SettleContext,
} from "./barrier.ts";
import { branchFor, checkBranch } from "./branch.ts";
import { jsonOf } from "./answer.ts";
import { barrierEvents } from "./events.ts";
import { type GuardedRecord, recordUnder } from "./guarded-record.ts";
import type { Operation } from "./machine.ts";
import { type BarrierOptions, checkOptions, checkPass, type PassOptions } from "./options.ts";
import { look, Passage } from "./passage.ts";
import type { Desk } from "./desk.ts";
import { leaseLeftOf } from "./record.ts";

const DEFAULT_MARKS = 1_000;

/**
 * A barrier whose records are kept by `backend`: the participant's own store.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { createBarrier } from "@quorate/transaction";
 * import { memoryBackend } from "@quorate/memory";
 * const barrier = createBarrier(memoryBackend());
 * await barrier.undo("order-7/charge/undo", () => console.log("never: nothing was charged"));
 * await barrier
 *   .run("order-7/charge/do", () => console.log("never: its undo was here first"))
 *   .catch((error) => console.log(error.code)); // => BARRIER_REFUSED
 */
export function createBarrier(backend: Backend, options: BarrierOptions = {}): Barrier {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  const { kv, runtime } = backend;
  const events = barrierEvents(runtime.events);
  return new KvBarrier({ kv, runtime, events, options: checkOptions(options) });
}

class KvBarrier implements Barrier {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async run<T>(key: string, work: PassWork<T>, options: PassOptions = {}): Promise<T> {
    return this.#pass(branchFor(key, "try"), "try", work, options);
  }

  async undo<T>(
    key: string,
    work: PassWork<T, SettleContext>,
    options: PassOptions = {},
  ): Promise<T | undefined> {
    return this.#pass(branchFor(key, "cancel"), "cancel", work, options);
  }

  async try<T>(branch: string, work: PassWork<T>, options: PassOptions = {}): Promise<T> {
    return this.#pass(checkBranch("branch", branch), "try", work, options);
  }

  async confirm<T>(
    branch: string,
    work: PassWork<T, SettleContext>,
    options: PassOptions = {},
  ): Promise<T> {
    return this.#pass(checkBranch("branch", branch), "confirm", work, options);
  }

  async cancel<T>(
    branch: string,
    work: PassWork<T, SettleContext>,
    options: PassOptions = {},
  ): Promise<T | undefined> {
    return this.#pass(checkBranch("branch", branch), "cancel", work, options);
  }

  record<V extends Json>(key: string, options: GuardedRecordOptions<V>): GuardedRecord<V> {
    knownOptions("options", options, ["empty", "maxMarks"]);
    jsonOf("empty", options.empty, Infinity);
    return recordUnder(this.#desk, {
      key: checkName("key", key),
      empty: options.empty,
      maxMarks: positiveInteger("maxMarks", options.maxMarks ?? DEFAULT_MARKS),
    });
  }

  async inspect(
    branch: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<BranchView> {
    knownOptions("options", options, ["signal"]);
    const seen = await look(this.#desk, checkBranch("branch", branch), options.signal);
    if (seen === undefined) {
      return { branch, state: "none", attempts: 0, leaseLeftMs: 0, expiresInMs: undefined };
    }
    const { entry, record } = seen;
    return {
      branch,
      state: record.state,
      attempts: record.attempt,
      leaseLeftMs: Math.max(0, leaseLeftOf(entry, record)),
      expiresInMs: entry.expiresInMs,
    };
  }

  #pass<T>(
    branch: string,
    operation: Operation,
    work: PassWork<T, SettleContext>,
    options: PassOptions,
  ): Promise<T> {
    callable("work", work);
    const pass = checkPass(options, this.#desk.options);
    return new Passage(this.#desk, { branch, operation, pass }, work).go();
  }
}
