/**
 * The engine behind `createSagas`: serves definitions, starts sagas, drives what its worker holds.
 */
import {
  type Backend,
  invalidArgument,
  KeyedBag,
  knownOptions,
  Lifecycle,
  type Ms,
  nonNegative,
  onAbort,
  positiveInteger,
  type Runtime,
  ttl,
} from "@quorate/core";
import type { DriveContext, Driver, Held, Station } from "../kernel/contract.ts";
import { createWorker, type Worker } from "../kernel/worker.ts";
import { Alarms } from "./alarms.ts";
import { SLACK_MS } from "./apart.ts";
import { SAGA_CODEC } from "./codec.ts";
import { Definitions } from "./definitions.ts";
import { retentionOf, SAGAS, type SagaDesk } from "./desk.ts";
import { definitionChangedError } from "./errors.ts";
import { sagaEvents } from "./events.ts";
import { observe } from "./observe.ts";
import { Payloads } from "./payloads.ts";
import { planOf } from "./plan.ts";
import type { SagaRecord } from "./record.ts";
import { SagaRun } from "./run.ts";
import type { SagasOptions } from "./sagas.ts";

const OPTION_NAMES = ["worker", "retentionMs", "maxTakeovers", "codec", "remoteVerbs"] as const;
const DEFAULT_RETENTION_MS = 7 * 24 * 3_600_000;
const DEFAULT_MAX_TAKEOVERS = 5;

/** All of one `Sagas`. */
export class SagaEngine {
  readonly desk: SagaDesk;
  readonly definitions: Definitions;
  readonly lifecycle: Lifecycle;
  readonly #worker: Worker;
  readonly #ownsWorker: boolean;
  readonly #runs = new KeyedBag<SagaRun>();
  readonly #contexts = new WeakSet<DriveContext>();
  readonly #over = (id: string): void => this.#runs.delete(id);

  constructor(backend: Backend, options: SagasOptions) {
    if (typeof backend?.kv?.put !== "function") {
      throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
    }
    knownOptions("options", options, OPTION_NAMES);
    const { runtime } = backend;
    const retentionMs = ttl("retentionMs", options.retentionMs ?? DEFAULT_RETENTION_MS);
    const maxTakeovers = options.maxTakeovers ?? DEFAULT_MAX_TAKEOVERS;
    positiveInteger("maxTakeovers", maxTakeovers);
    this.lifecycle = new Lifecycle("the sagas", runtime);
    const events = sagaEvents(runtime.events);
    this.definitions = new Definitions(events);
    this.#ownsWorker = options.worker === undefined;
    this.#worker = options.worker ?? createWorker(backend);
    const station = this.#worker.register(this.#driver(runtime, retentionMs));
    this.desk = {
      backend,
      station,
      payloads: new Payloads(backend, options.codec, retentionMs + SLACK_MS),
      alarms: new Alarms(runtime),
      events,
      retentionMs,
      maxTakeovers,
      modelOf: (record) => this.definitions.of(record),
      observe: (id, isEnough, signal) =>
        observe({ runtime, station, driven: (of) => this.#runs.get(of) }, id, isEnough, signal),
    };
  }

  get station(): Station<SagaRecord> {
    return this.desk.station;
  }

  /** The drive of `id`, if it is this process's. */
  driven(id: string): SagaRun | undefined {
    return this.#runs.get(id);
  }

  /** Drives what was just created. */
  begin(held: Held<SagaRecord>, input: unknown): SagaRun {
    const model = this.definitions.of(held.record);
    if (model === undefined) throw definitionChangedError(held.id, held.record);
    const run = new SagaRun(this.desk, model, held, { input });
    this.#runs.set(held.id, run);
    void this.station.drive(held);
    return run;
  }

  close(graceMs: Ms | undefined): Promise<void> {
    const options = graceMs === undefined ? {} : { graceMs: nonNegative("graceMs", graceMs) };
    return this.lifecycle.close(0, async () => {
      if (this.#ownsWorker) await this.#worker.close(options);
    });
  }

  #driver(runtime: Backend["runtime"], retentionMs: Ms): Driver<SagaRecord> {
    return {
      collection: SAGAS,
      codec: SAGA_CODEC,
      ownershipOf: (record) => record,
      withOwnership: (record, { owner, fence, takeovers }) => ({
        ...record,
        owner,
        fence,
        takeovers,
      }),
      isOpen: (record) => this.#isOpen(record, runtime.time),
      canDrive: (record, id) => !this.lifecycle.isClosed && this.definitions.serves(record, id),
      retentionMsOf: (record) => retentionOf(record, retentionMs),
      drive: (held, context) => this.#drive(held, context),
      nudged: (id) => void this.#runs.get(id)?.heed(),
    };
  }

  /** What is not served counts as open: somebody else has to know. */
  #isOpen(record: SagaRecord, time: Pick<Runtime["time"], "wallMs">): boolean {
    if (record.isSealing === true) return true;
    if (record.state === "done" || record.state === "compensated") return false;
    const model = this.definitions.of(record);
    if (model === undefined) return true;
    const { kind } = planOf(record, model, time.wallMs());
    return kind !== "stuck" && kind !== "ended";
  }

  #drive(held: Held<SagaRecord>, context: DriveContext): Promise<void> {
    this.#follow(context);
    const begun = this.#runs.get(held.id);
    const run = begun?.held === held ? begun : this.#taken(held);
    return run === undefined ? Promise.resolve() : run.drive(context, this.#over);
  }

  /** Somebody else began it. */
  #taken(held: Held<SagaRecord>): SagaRun | undefined {
    const model = this.definitions.of(held.record);
    if (model === undefined) return undefined;
    const run = new SagaRun(this.desk, model, held);
    this.#runs.set(held.id, run);
    return run;
  }

  /** One listener for all runs under a lease. */
  #follow(context: DriveContext): void {
    if (this.#contexts.has(context)) return;
    this.#contexts.add(context);
    onAbort(context.signal, () => {
      for (const run of this.#runs.all()) if (run.context === context) run.lose();
    });
    onAbort(context.closing, () => {
      for (const run of this.#runs.all()) run.wake();
    });
  }
}
