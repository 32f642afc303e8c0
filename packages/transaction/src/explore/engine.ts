/**
 * The real engine, on a store in memory, with its hands at the gate.
 */
import type { Backend, KvStore, PutResult, Runtime } from "@quorate/core";
import { type MemoryStore, memoryBackend } from "@quorate/memory";
import { createWorker } from "../kernel/worker.ts";
import { createSagas } from "../saga/create-sagas.ts";
import { decodeRecord } from "../saga/codec.ts";
import type { AnySaga } from "../saga/define-saga.ts";
import type { SagaModel } from "../saga/model.ts";
import type { SagaState } from "../saga/record.ts";
import type { Gate } from "./gate.ts";
import { interposed } from "./interpose.ts";
import type { ExploredProcess } from "./process.ts";

/** What an engine of a process is made of. */
export interface EngineOptions {
  readonly store: MemoryStore;
  readonly runtime: Runtime;
  readonly process: ExploredProcess;
  readonly gate: Gate;
  readonly model: SagaModel;
  /** The saga to start; `undefined`: another process has. */
  readonly start: { readonly id: string; readonly input: unknown } | undefined;
}

/** Starts the engine of a process. It is never closed: its process ends with the run. */
export function startEngine(options: EngineOptions): void {
  const { store, runtime, process, gate, model, start } = options;
  const memory = memoryBackend({ store, runtime });
  process.link = memory.faults;
  const backend: Backend = {
    name: memory.name,
    capabilities: memory.capabilities,
    runtime,
    leases: memory.leases,
    bus: memory.bus,
    kv: gated(memory.kv, gate, process),
    ready: () => memory.ready(),
    health: () => memory.health(),
    close: () => memory.close(),
    [Symbol.asyncDispose]: () => memory.close(),
  };
  const sagas = createSagas(backend, {
    worker: createWorker(backend, { leaseMs: LEASE_MS, scanMs: SCAN_MS }),
  });
  const own = interposed(model, gate, process);
  const { name, version, hash } = model;
  const saga: AnySaga = { name, version, hash, model: own, mermaid: () => "" };
  sagas.serve(saga);
  if (start !== undefined) void sagas.start(saga, start as never).catch(() => {});
}

/** A dead worker's lease ends after this. */
export const LEASE_MS = 10_000;
/** What the watch of leases misses is found after this. */
export const SCAN_MS = 30_000;

function gated(kv: KvStore, gate: Gate, process: ExploredProcess): KvStore {
  return {
    get: (key, options) => kv.get(key, options),
    put: (key, value, options) => {
      const text = typeof value === "string" ? value : Buffer.from(value).toString();
      const perform = (): Promise<PutResult> => kv.put(key, value, options);
      return gate.enter({ kind: "write", process, key, text, perform }) as Promise<PutResult>;
    },
    delete: (key, options) => kv.delete(key, options),
    list: (collection, options) => kv.list(collection, options),
    watch: (target, options) => kv.watch(target, options),
  };
}

/** What a write of the log says. */
export interface LogView {
  readonly state: SagaState;
  readonly stuck: readonly string[];
  /** Who drives it; empty: nobody. */
  readonly owner: string;
  /** For people. */
  readonly words: string;
}

/** Reads a written record; `undefined`: it is not that of the explored saga itself. */
export function readLog(key: string, text: string, id: string): LogView | undefined {
  if (!key.endsWith(`/${id}`)) return undefined;
  const decoded = decodeRecord(text);
  if (!decoded.ok) return undefined;
  const { state, stuck, steps, owner } = decoded.record;
  const told = [...steps].map(([name, step]) => {
    const undone = step.undo?.isDone === true ? ", undone" : "";
    return `${name} ${step.outcome ?? (step.isInDoubt === true ? "in doubt" : "begun")}${undone}`;
  });
  return { state, owner, stuck: [...stuck.keys()], words: [state, ...told].join("; ") };
}
