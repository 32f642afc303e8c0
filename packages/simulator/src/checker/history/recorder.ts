/**
 * Records a history at the client's own calls: for simulated worlds, rigs on real servers, and
 * tests of your own code.
 *
 * One `RecordedProcess` for each client that does one thing at a time. `record` wraps a call and
 * translates what it came to: a value is `ok`; a `QuorateError` that says `effect: "none"` is
 * `fail`; every other error is unknown, because nobody can tell. After an unknown outcome the
 * process goes on under a new name, as the format wants.
 *
 * Does not guarantee: a history that means anything, if what is recorded is not what the client
 * was told. Record outside of retries, caches and the library that is judged.
 */
import { invalidArgument, isQuorateError, type Json, knownOptions } from "@quorate/core";
import { positiveInteger, systemRuntime, type Time } from "@quorate/core";
import { checkEvent, type EventType, type HistoryEvent } from "./event.ts";
import { type History, historyOf } from "./history.ts";

/** Options of `HistoryRecorder`. */
export interface RecorderOptions {
  /** The one clock of all processes. @default the system's */
  readonly time?: Pick<Time, "monotonicMs">;
  /** One more event and recording throws: a cut history must not look whole. @default 1000000 */
  readonly maxEvents?: number;
}

/** What is asked: function, object, argument. */
export interface Invocation {
  readonly f: string;
  /** @default "" */
  readonly k?: string;
  /** @default null */
  readonly v?: Json;
}

/** An operation that has begun and not ended. The first end counts, later ones are ignored. */
export interface OpenOperation {
  readonly op: number;
  /** It happened, and this is its result. */
  ok(result?: Json): void;
  /** Surely nothing happened, and nothing will. When in doubt it is `unknown`. */
  fail(): void;
  /** It may have happened, may happen later, or never. */
  unknown(): void;
}

/** How `record` reads an answer. */
export interface RecordOptions<T> extends Invocation {
  /** The result that the model is to see. @default nothing: null */
  readonly result?: (value: T) => Json;
  /**
   * The result of a call that failed although its effect happened (`effect: "applied"`), where
   * the error tells. @default such a call is recorded as unknown, which claims less
   */
  readonly applied?: (error: unknown) => Json;
}

/** Somebody who does one operation at a time. */
export interface RecordedProcess {
  /** The name now; after an unknown outcome it is another one. */
  readonly name: string;
  /** @throws INVALID_ARGUMENT the last operation has not ended, or the recorder is full. */
  invoke(invocation: Invocation): OpenOperation;
  /** Records `call`, and settles as it does. Does not retry, time out or change anything. */
  record<T>(options: RecordOptions<T>, call: () => Promise<T>): Promise<T>;
}

/**
 * A history in the making.
 *
 * @example
 * const recorder = new HistoryRecorder();
 * const client = recorder.process("client-1");
 * await client.record({ f: "write", k: "x", v: 1 }, async () => {});
 * console.log(checkLinearizable(recorder.history(), register()).verdict);
 */
export class HistoryRecorder {
  readonly #time: Pick<Time, "monotonicMs">;
  readonly #maxEvents: number;
  readonly #events: HistoryEvent[] = [];
  readonly #names = new Set<string>();
  #operations = 0;

  constructor(options: RecorderOptions = {}) {
    knownOptions("options", options, ["time", "maxEvents"]);
    this.#time = options.time ?? systemRuntime.time;
    this.#maxEvents = positiveInteger("maxEvents", options.maxEvents ?? 1_000_000);
  }

  /** A process under `name`, which nobody had before. @throws INVALID_ARGUMENT somebody had. */
  process(name: string): RecordedProcess {
    const first = this.#claim(name);
    return new Process(first, {
      begin: (p, invocation) => this.#begin(p, invocation),
      end: (begun, type, v) => this.#add({ ...begun, type, ...(v === undefined ? {} : { v }) }),
      rename: (incarnation) => this.#claim(`${name}#${incarnation}`),
    });
  }

  /** Events so far. */
  get length(): number {
    return this.#events.length;
  }

  /** What was recorded so far; operations that have not ended are unknown in it. */
  history(): History {
    return historyOf(this.#events);
  }

  #claim(name: string): string {
    if (this.#names.has(name)) throw invalidArgument("process", name, "a name nobody had before");
    this.#names.add(name);
    return name;
  }

  #begin(p: string, { f, k, v }: Invocation): HistoryEvent {
    const about = { ...(k === undefined ? {} : { k }), ...(v === undefined ? {} : { v }) };
    const event = this.#add({ p, op: this.#operations, type: "invoke", f, ...about });
    this.#operations += 1;
    return event;
  }

  #add(event: Omit<HistoryEvent, "t">): HistoryEvent {
    if (this.#events.length >= this.#maxEvents) {
      throw invalidArgument("history", this.#events.length + 1, "within the recorder's maxEvents");
    }
    const stamped = checkEvent("invocation", { ...event, t: this.#time.monotonicMs() });
    this.#events.push(stamped);
    return stamped;
  }
}

/** What a process needs of its recorder. */
interface Notebook {
  begin(p: string, invocation: Invocation): HistoryEvent;
  end(begun: Omit<HistoryEvent, "t" | "v">, type: EventType, v: Json | undefined): void;
  rename(incarnation: number): string;
}

class Process implements RecordedProcess {
  readonly #notebook: Notebook;
  #name: string;
  #incarnation = 1;
  #doing: HistoryEvent | undefined;

  constructor(name: string, notebook: Notebook) {
    this.#name = name;
    this.#notebook = notebook;
  }

  get name(): string {
    return this.#name;
  }

  invoke(invocation: Invocation): OpenOperation {
    if (this.#doing !== undefined) {
      throw invalidArgument("process", this.#name, "idle: another process for a call beside it");
    }
    const begun = this.#notebook.begin(this.#name, invocation);
    this.#doing = begun;
    return {
      op: begun.op,
      ok: (result) => this.#end(begun, "ok", result),
      fail: () => this.#end(begun, "fail", undefined),
      unknown: () => this.#end(begun, "info", undefined),
    };
  }

  async record<T>(options: RecordOptions<T>, call: () => Promise<T>): Promise<T> {
    const { result, applied, ...invocation } = options;
    const operation = this.invoke(invocation);
    try {
      const value = await call();
      operation.ok(result?.(value));
      return value;
    } catch (error) {
      const effect = isQuorateError(error) ? error.effect : "unknown";
      if (effect === "none") operation.fail();
      else if (effect === "applied" && applied !== undefined) operation.ok(applied(error));
      else operation.unknown();
      throw error;
    }
  }

  #end(begun: HistoryEvent, type: EventType, result: Json | undefined): void {
    if (this.#doing !== begun) return;
    this.#doing = undefined;
    const { t: _, v: __, ...about } = begun;
    this.#notebook.end(about, type, result);
    if (type !== "info") return;
    this.#incarnation += 1;
    this.#name = this.#notebook.rename(this.#incarnation);
  }
}
