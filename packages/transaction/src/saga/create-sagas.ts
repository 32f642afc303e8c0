/**
 * Sagas that finish: every step done, or every step that took effect undone.
 *
 * A saga is started under a business id, driven by the process that started it, and taken up by
 * another when that one dies. Each step that ends is one compare-and-set write; n steps cost n + 1.
 *
 * Guarantees: an undo only follows a stored decision to turn back; a step whose answer never came
 * is undone too, also one that refused; nobody goes on with a saga that another has taken over; an
 * announced outcome never changes. Does not guarantee: that a step runs once. It runs at least once
 * with the same `key`: pass that on, or put a barrier in front of what it writes to.
 *
 * Garcia-Molina, Salem, "Sagas", SIGMOD 1987.
 */
import {
  type Backend,
  boolean,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
} from "@quorate/core";
import { Door } from "../errands/door.ts";
import { DEFAULT_ERRAND_TIMEOUT_MS, type ErrandOptions } from "../errands/options.ts";
import { remoteControl } from "../errands/send.ts";
import type { AnySaga, Saga } from "./define-saga.ts";
import { SagaEngine } from "./engine.ts";
import { StartedSaga } from "./handle.ts";
import { inspectionOf, type SagaInspection } from "./inspect.ts";
import type { Verb } from "./inputs.ts";
import type { Stored } from "../kernel/contract.ts";
import type { SagaRecord } from "./record.ts";
import type {
  ResultOptions,
  SagaControl,
  SagaFilter,
  SagaHandle,
  Sagas,
  SagasOptions,
  StartOptions,
  VerbOptions,
} from "./sagas.ts";
import { startSaga } from "./start.ts";
import { carryOut, payloadOf } from "./verbs.ts";

const STATES = ["running", "compensating", "done", "compensated"];

/**
 * Sagas on `backend`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { createSagas, saga } from "@quorate/transaction";
 * const greet = saga("greet", { version: 1, input: (input: { name: string }) => input })
 *   .step("look", { run: ({ input }) => input.name.length, undo: "none" })
 *   .returns(({ out }) => ({ letters: out.look }));
 * const sagas = createSagas(memoryBackend());
 * const result = await sagas.run(greet, { id: "greet-1", input: { name: "Ada" } });
 * console.log(result); // => { letters: 3 }
 * await sagas.close();
 */
export function createSagas(backend: Backend, options: SagasOptions = {}): Sagas {
  const { remoteVerbs = false } = options;
  boolean("remoteVerbs", remoteVerbs);
  return new SagasOfBackend(new SagaEngine(backend, options), remoteVerbs);
}

class SagasOfBackend implements Sagas {
  readonly #engine: SagaEngine;
  readonly #door: Door | undefined;

  constructor(engine: SagaEngine, remoteVerbs: boolean) {
    this.#engine = engine;
    if (!remoteVerbs) return;
    const { backend } = engine.desk;
    const signal = engine.lifecycle.stopping;
    this.#door = new Door({ backend, signal, find: (id) => this.get(id) });
  }

  serve(...definitions: readonly AnySaga[]): void {
    this.#engine.lifecycle.assertOpen();
    let isMore = false;
    for (const definition of definitions) {
      isMore = this.#engine.definitions.add(definition) || isMore;
    }
    if (!isMore) return;
    this.#engine.station.recover();
    this.#door?.open(this.#engine.definitions.all());
  }

  async start<Input, Output>(
    definition: Saga<Input, Output>,
    options: StartOptions<Input>,
    wait: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<SagaHandle<Output>> {
    knownOptions("wait", wait, ["signal"]);
    this.serve(definition);
    const started = await startSaga(this.#engine, definition.model, options, wait.signal);
    return new StartedSaga<Output>(this.#engine, options.id, started);
  }

  async run<Input, Output>(
    definition: Saga<Input, Output>,
    options: StartOptions<Input>,
    wait: ResultOptions = {},
  ): Promise<Output> {
    const { timeoutMs, signal } = knownOptions("wait", wait, ["timeoutMs", "signal"]);
    if (timeoutMs !== undefined) positive("wait.timeoutMs", timeoutMs);
    this.serve(definition);
    const started = await startSaga(this.#engine, definition.model, options, signal);
    return await new StartedSaga<Output>(this.#engine, options.id, started).awaited(wait);
  }

  async get(id: string): Promise<SagaControl | undefined> {
    const stored = await this.#read(id);
    return stored === undefined ? undefined : controlOf(this.#engine, stored);
  }

  async remote(id: string, options: ErrandOptions = {}): Promise<SagaControl | undefined> {
    const { timeoutMs = DEFAULT_ERRAND_TIMEOUT_MS, signal } = knownOptions("options", options, [
      "timeoutMs",
      "signal",
    ]);
    const request = { timeoutMs: positive("timeoutMs", timeoutMs), signal };
    const stored = await this.#read(id);
    if (stored === undefined) return undefined;
    const { desk } = this.#engine;
    return remoteControl(desk.backend, inspectionOf(desk, stored), stored.record, request);
  }

  async inspect(id: string): Promise<SagaInspection | undefined> {
    const stored = await this.#read(id);
    return stored === undefined ? undefined : inspectionOf(this.#engine.desk, stored);
  }

  async *list(filter: SagaFilter = {}): AsyncGenerator<SagaInspection, void, void> {
    this.#engine.lifecycle.assertOpen();
    const fits = checkFilter(filter);
    const { desk, station } = this.#engine;
    const nowMs = desk.backend.runtime.time.wallMs();
    const { signal } = filter;
    for await (const stored of station.list(signal === undefined ? {} : { signal })) {
      if (fits(stored.record, nowMs)) yield inspectionOf(desk, stored);
    }
  }

  async *watch(
    id: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<SagaInspection | undefined, void, void> {
    knownOptions("options", options, ["signal"]);
    this.#engine.lifecycle.assertOpen();
    for await (const stored of this.#engine.station.watch(id, options)) {
      yield stored === undefined ? undefined : inspectionOf(this.#engine.desk, stored);
    }
  }

  async versions(
    name: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Map<number, number>> {
    knownOptions("options", options, ["signal"]);
    this.#engine.lifecycle.assertOpen();
    const counts = new Map<number, number>();
    for await (const { record } of this.#engine.station.list(options)) {
      const isLive = record.state === "running" || record.state === "compensating";
      if (record.saga !== name || !isLive) continue;
      counts.set(record.version, (counts.get(record.version) ?? 0) + 1);
    }
    return counts;
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    knownOptions("options", options, ["graceMs"]);
    return this.#engine.close(options.graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #read(id: string): Promise<Stored<SagaRecord> | undefined> {
    this.#engine.lifecycle.assertOpen();
    return this.#engine.station.read(id);
  }
}

function controlOf(engine: SagaEngine, stored: Stored<SagaRecord>): SagaControl {
  const { desk } = engine;
  const { id } = stored;
  const act = (verb: Verb, options: VerbOptions): Promise<void> => {
    engine.lifecycle.assertOpen();
    return carryOut(desk, id, verb, options);
  };
  return {
    ...inspectionOf(desk, stored),
    retry: (target, options) => act({ kind: "retry", target }, options),
    skip: (target, options) => act({ kind: "skip", target }, options),
    resolve: async (target, value, options) => {
      const output = await payloadOf(desk, id, value);
      return act({ kind: "resolve", target, output }, options);
    },
    cancel: (options) => act({ kind: "cancel", reason: options.why }, options),
    force: async (state, { result, ...options }) => {
      if (state === "compensated") return act({ kind: "force-compensated" }, options);
      if (state !== "done") throw invalidArgument("state", state, "done or compensated");
      return act({ kind: "force-done", result: await payloadOf(desk, id, result) }, options);
    },
  };
}

function checkFilter(filter: SagaFilter): (record: SagaRecord, nowMs: Ms) => boolean {
  knownOptions("filter", filter, ["state", "stuck", "olderThanMs", "name", "signal"]);
  const { state, stuck, olderThanMs, name } = filter;
  if (state !== undefined && !STATES.includes(state)) {
    throw invalidArgument("filter.state", state, `one of ${STATES.join(", ")}`);
  }
  if (olderThanMs !== undefined) nonNegative("filter.olderThanMs", olderThanMs);
  return (record, nowMs) =>
    (state === undefined || record.state === state) &&
    (stuck === undefined || record.stuck.size > 0 === stuck) &&
    (olderThanMs === undefined || nowMs - record.createdAtMs >= olderThanMs) &&
    (name === undefined || record.saga === name);
}
