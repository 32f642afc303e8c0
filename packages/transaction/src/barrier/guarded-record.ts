/**
 * A guarded record: one JSON value in the kv store, and the barrier's marks in the same entry.
 *
 * One compare-and-set changes the value and remembers the branch. There is no lease, no run in
 * doubt and no repeat of work: a call whose reply was lost is asked again, and finds its mark.
 *
 * Guarantees: exactly one effect per operation of a branch, in the order of the machine's table.
 * Does not guarantee anything of what `change` does beside: it is called again when somebody else
 * changed the record meanwhile, so it must only compute.
 */
import {
  type Entry,
  invalidArgument,
  type Json,
  knownOptions,
  parseJson,
  type Revision,
  sleep,
} from "@quorate/core";

import { settledPut } from "../kernel/settled-put.ts";
import { jsonOf } from "./answer.ts";
import { branchFor, checkBranch } from "./branch.ts";
import { busyError, recordInvalid } from "./errors.ts";
import type { Operation } from "./machine.ts";
import {
  type Applied,
  applyOnce,
  decodeMarks,
  encodeMarks,
  type Marks,
  NO_MARKS,
} from "./marks.ts";
import type { Desk } from "./desk.ts";

/** What a change returns: the new value, and what the call resolves to. */
export interface RecordChanged<V, R> {
  readonly value: V;
  /** Small JSON; a repeat is given it too. @default undefined */
  readonly result?: R;
}

/** What a change is told. */
export interface RecordChangeContext {
  /** `<transaction>/<step>`. */
  readonly branch: string;
  /** What the branch's try returned, for its confirm and cancel. */
  readonly tried: Json | undefined;
}

/** Computes the next value. May throw `refuse()` in a try; must do nothing else. */
export type RecordChange<V, R> = (value: V, context: RecordChangeContext) => RecordChanged<V, R>;

/** Options of one call. */
export interface RecordChangeOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One JSON value under the barrier. Errors of every method: as of `Barrier`. */
export interface GuardedRecord<V extends Json> {
  /** The value as it is. */
  read(options?: RecordChangeOptions): Promise<V>;
  /** Changes the value outside of any transaction, by compare-and-set. Not safe to repeat. */
  update(change: (value: V) => V, options?: RecordChangeOptions): Promise<V>;
  /** A saga's action, by its key. */
  run<R extends Json | undefined>(
    key: string,
    change: RecordChange<V, R>,
    options?: RecordChangeOptions,
  ): Promise<R>;
  /** A saga's undo, by its key. Changes nothing where the action never ran. */
  undo<R extends Json | undefined>(
    key: string,
    change: RecordChange<V, R>,
    options?: RecordChangeOptions,
  ): Promise<R | undefined>;
  /** The try of a branch. */
  try<R extends Json | undefined>(
    branch: string,
    change: RecordChange<V, R>,
    options?: RecordChangeOptions,
  ): Promise<R>;
  /** The confirm of a branch. */
  confirm<R extends Json | undefined>(
    branch: string,
    change: RecordChange<V, R>,
    options?: RecordChangeOptions,
  ): Promise<R>;
  /** The cancel of a branch. */
  cancel<R extends Json | undefined>(
    branch: string,
    change: RecordChange<V, R>,
    options?: RecordChangeOptions,
  ): Promise<R | undefined>;
}

interface Place<V> {
  readonly key: string;
  readonly empty: V;
  readonly maxMarks: number;
}

/** What the store has. */
interface Content<V> {
  readonly value: V;
  readonly marks: Marks;
  readonly revision: Revision | "absent";
}

/** What follows from it. */
interface Computed<V, T> {
  readonly value: V;
  readonly marks: Marks;
  readonly result: T;
  readonly isWritten: boolean;
}

const VERSION = 1;
const MAX_BYTES = 4_194_304;
const MAX_NODES = 1_000_000;
const TRIES = 6;
/** Each lost race is somebody else's progress; so many in a row is a record that is too hot. */
const MAX_RACES = 200;
const LONGEST_PAUSE_MS = 100;

/** The record at `place.key`. */
export function recordUnder<V extends Json>(desk: Desk, place: Place<V>): GuardedRecord<V> {
  return new KvRecord(desk, place);
}

class KvRecord<V extends Json> implements GuardedRecord<V> {
  readonly #desk: Desk;
  readonly #place: Place<V>;

  constructor(desk: Desk, place: Place<V>) {
    this.#desk = desk;
    this.#place = place;
  }

  async read(options: RecordChangeOptions = {}): Promise<V> {
    return (await this.#look(signalOf(options))).value;
  }

  async update(change: (value: V) => V, options: RecordChangeOptions = {}): Promise<V> {
    const signal = signalOf(options);
    return this.#race(signal, `${this.#place.key}/update`, ({ value, marks }) => {
      const next = change(copyOf(value));
      return { value: next, marks, result: copyOf(next), isWritten: true };
    });
  }

  async run<R>(
    key: string,
    change: RecordChange<V, R>,
    options: RecordChangeOptions = {},
  ): Promise<R> {
    return this.#apply("try", branchFor(key, "try"), change, options) as Promise<R>;
  }

  async undo<R>(
    key: string,
    change: RecordChange<V, R>,
    options: RecordChangeOptions = {},
  ): Promise<R | undefined> {
    return this.#apply("cancel", branchFor(key, "cancel"), change, options);
  }

  async try<R>(
    branch: string,
    change: RecordChange<V, R>,
    options: RecordChangeOptions = {},
  ): Promise<R> {
    return this.#apply("try", checkBranch("branch", branch), change, options) as Promise<R>;
  }

  async confirm<R>(
    branch: string,
    change: RecordChange<V, R>,
    options: RecordChangeOptions = {},
  ): Promise<R> {
    return this.#apply("confirm", checkBranch("branch", branch), change, options) as Promise<R>;
  }

  async cancel<R>(
    branch: string,
    change: RecordChange<V, R>,
    options: RecordChangeOptions = {},
  ): Promise<R | undefined> {
    return this.#apply("cancel", checkBranch("branch", branch), change, options);
  }

  async #apply<R>(
    operation: Operation,
    branch: string,
    change: RecordChange<V, R>,
    options: RecordChangeOptions,
  ): Promise<R | undefined> {
    const { runtime, options: barrier } = this.#desk;
    const { maxMarks } = this.#place;
    const key = `${branch}/${operation}`;
    const applied = await this.#race(signalOf(options), key, ({ value, marks }) => {
      let next = value;
      const nowMs = runtime.time.wallMs();
      const call = { branch, operation, nowMs, retentionMs: barrier.retentionMs, maxMarks };
      const result: Applied<R> = applyOnce(marks, call, (tried) => {
        // A copy: one that changes it in place, and then refuses, has changed nothing.
        const changed = change(copyOf(value), { branch, tried });
        next = changed.value;
        return changed.result as R;
      });
      const isWritten = result.marks !== marks;
      return { value: next, marks: result.marks, result, isWritten };
    });
    if (applied.kind === "refused") throw applied.error;
    return applied.value;
  }

  /** Reads, computes, and writes over what was read, until nobody came between. */
  async #race<T>(
    signal: AbortSignal | undefined,
    key: string,
    compute: (content: Content<V>) => Computed<V, T>,
  ): Promise<T> {
    const { runtime } = this.#desk;
    let content = await this.#look(signal);
    for (let races = 0; races < MAX_RACES; races += 1) {
      const next = compute(content);
      if (!next.isWritten) return next.result;
      const current = await this.#write(content.revision, next, signal);
      if (current === "written") return next.result;
      content = this.#contentOf(current);
      const pauseMs = Math.min(races, LONGEST_PAUSE_MS) * runtime.random.next();
      if (races > 1) await sleep(runtime, pauseMs, { signal });
    }
    throw busyError(this.#place.key, key.split("/").at(-1) as Operation, 1);
  }

  async #write(
    expect: Revision | "absent",
    next: { readonly value: V; readonly marks: Marks },
    signal: AbortSignal | undefined,
  ): Promise<"written" | Entry | undefined> {
    const value = jsonOf("value", next.value, Infinity) as V;
    const text = JSON.stringify({ v: VERSION, value, marks: encodeMarks(next.marks) });
    const write = { key: this.#place.key, text, expect, ttlMs: undefined, signal, tries: TRIES };
    const put = await settledPut(this.#desk, write);
    return put.ok ? "written" : put.current;
  }

  async #look(signal: AbortSignal | undefined): Promise<Content<V>> {
    return this.#contentOf(await this.#desk.kv.get(this.#place.key, { signal }));
  }

  #contentOf(entry: Entry | undefined): Content<V> {
    const { key, empty } = this.#place;
    if (entry === undefined) return { value: empty, marks: NO_MARKS, revision: "absent" };
    const parsed = parseJson(entry.value, { maxBytes: MAX_BYTES, maxNodes: MAX_NODES });
    if (!parsed.ok) throw recordInvalid(key, parsed.reason);
    const { value: json } = parsed;
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw recordInvalid(key, "it is no object");
    }
    const { v, value, marks } = json as { readonly [name: string]: Json };
    if (v !== VERSION || value === undefined) {
      throw recordInvalid(key, "it is not what a barrier's record holds");
    }
    // Ordinary prototypes: it is the caller's own value.
    return { value: copyOf(value) as V, marks: decodeMarks(marks), revision: entry.revision };
  }
}

function copyOf<V extends Json>(value: V): V {
  return JSON.parse(JSON.stringify(value)) as V;
}

function signalOf(options: RecordChangeOptions): AbortSignal | undefined {
  knownOptions("options", options, ["signal"]);
  const { signal } = options;
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidArgument("signal", signal, "an AbortSignal");
}
