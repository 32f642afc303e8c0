/**
 * A handle on a saga: its result, waited for by this process's drive or by a watch.
 */
import { isQuorateError, knownOptions, linkedController, type Ms, positive } from "@quorate/core";
import { hasEnded, parkedAt } from "./desk.ts";
import type { SagaEngine } from "./engine.ts";
import { compensatedError, pendingError, stuckError } from "./errors.ts";
import type { SagaRecord } from "./record.ts";
import type { SagaRun } from "./run.ts";
import type { ResultOptions, SagaHandle } from "./sagas.ts";
import type { Started } from "./start.ts";

/** One saga that was started or joined. */
export class StartedSaga<Output> implements SagaHandle<Output> {
  readonly id: string;
  readonly isNew: boolean;
  readonly #engine: SagaEngine;
  readonly #run: SagaRun | undefined;

  constructor(engine: SagaEngine, id: string, started: Started) {
    this.#engine = engine;
    this.id = id;
    this.isNew = started.isNew;
    this.#run = started.run;
  }

  async result(options: ResultOptions = {}): Promise<Output> {
    knownOptions("options", options, ["timeoutMs", "signal"]);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined) positive("timeoutMs", timeoutMs);
    return this.awaited(options);
  }

  /** As `result`, of options that are known to be right. */
  awaited({ timeoutMs, signal }: ResultOptions): Promise<Output> {
    const run = this.#run;
    const isPlain = timeoutMs === undefined && signal === undefined && run !== undefined;
    // The common case without a timer or a listener: this process drives it to its end.
    if (isPlain) return run.finished.then((record) => this.#ended(record));
    return this.#waited(timeoutMs, signal);
  }

  /** This process is done with it; whether it has ended is another question. */
  #ended(record: SagaRecord): Output | Promise<Output> {
    return isSettled(record) ? this.#outcome(record) : this.#waited(undefined, undefined);
  }

  async #waited(timeoutMs: Ms | undefined, signal: AbortSignal | undefined): Promise<Output> {
    return this.#outcome(await this.#observed(timeoutMs, signal));
  }

  async #observed(timeoutMs: Ms | undefined, signal: AbortSignal | undefined): Promise<SagaRecord> {
    const { desk, lifecycle } = this.#engine;
    lifecycle.assertOpen();
    signal?.throwIfAborted();
    const wait = linkedController(signal, lifecycle.stopping);
    const late = new Error("the wait is over");
    const alarm =
      timeoutMs === undefined ? undefined : desk.alarms.set(timeoutMs, () => wait.abort(late));
    try {
      return await desk.observe(this.id, isSettled, wait.signal);
    } catch (error) {
      if (error !== late) throw error;
      throw await this.#pending();
    } finally {
      wait.detach();
      if (alarm !== undefined) desk.alarms.clear(alarm);
    }
  }

  async #pending(): Promise<Error> {
    try {
      const stored = await this.#engine.station.read(this.id);
      const { saga = "", state = "gone" } = stored?.record ?? {};
      return pendingError(this.id, saga, state);
    } catch (error) {
      return isQuorateError(error) ? pendingError(this.id, "", "unknown") : (error as Error);
    }
  }

  #outcome(record: SagaRecord): Output | Promise<Output> {
    if (record.state === "compensated") throw compensatedError(this.id, record);
    if (record.state !== "done") {
      throw stuckError(this.id, record.saga, parkedAt(record) ?? "");
    }
    const { payloads } = this.#engine.desk;
    const { result } = record;
    if (result?.kind === "inline") return payloads.decode(result.text) as Output;
    return payloads.read(result) as Promise<Output>;
  }
}

/** Whether there is an answer for whoever waits. */
function isSettled(record: SagaRecord): boolean {
  return hasEnded(record) || parkedAt(record) !== undefined;
}
