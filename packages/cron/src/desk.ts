/**
 * The desk: reads and changes records, each change by compare-and-set.
 *
 * A change is a pure decision over what the record is now; where somebody else was faster it is
 * decided anew over what he wrote. After an unknown outcome the record is read again: it says
 * itself whether the write was ours.
 *
 * Does not guarantee that a write whose outcome stayed unknown is known to its writer. So a claim
 * is found by its owner at his next look, like any other's.
 */
import {
  type Backend,
  type Entry,
  isQuorateError,
  type KvStore,
  type Ms,
  QuorateError,
} from "@quorate/core";
import type { Step } from "./machine.ts";
import { decodeRecord, encodeRecord, type JobRecord, TOKEN_OF_THIS_WRITE } from "./record.ts";

/** Everybody else of a large fleet may be faster once. */
const MAX_TRIES = 50;

/** A record, and the write that made it. */
export interface Found {
  readonly entry: Entry;
  readonly record: JobRecord;
}

/** What a change came to. */
export interface Changed {
  /** As it is now. */
  readonly now: Found;
  /** As it was decided; its `record` is `undefined` where nothing had to be written. */
  readonly step: Step;
}

/** What every call takes. */
export interface Bounds {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: Ms;
}

/** Records of one collection. */
export class Desk {
  readonly #kv: KvStore;
  readonly #ids: Backend["runtime"]["ids"];
  readonly #collection: string;

  constructor(backend: Backend, collection: string) {
    this.#kv = backend.kv;
    this.#ids = backend.runtime.ids;
    this.#collection = collection;
  }

  /** Where the record of `job` lies. */
  keyOf(job: string): string {
    return `${this.#collection}/${job}`;
  }

  /** The record of `job`; `undefined`: there is none. @throws RECORD_INVALID */
  async read(job: string, bounds: Bounds = {}): Promise<Found | undefined> {
    return found(await this.#kv.get(this.keyOf(job), bounds));
  }

  /** All records of the collection, in the order of their names. */
  async *list(bounds: Bounds = {}): AsyncGenerator<{ job: string; found: Found }, void, void> {
    for await (const entry of this.#kv.list(this.#collection, bounds)) {
      const job = entry.key.slice(this.#collection.length + 1);
      yield { job, found: { entry, record: decodeRecord(entry) } };
    }
  }

  /**
   * Writes what `decide` makes of the record, over and over until nobody was faster. `known`: what
   * a look has just found.
   */
  async change(
    job: string,
    decide: (record: JobRecord | undefined) => Step,
    { known, ...bounds }: Bounds & { readonly known?: Found | undefined } = {},
  ): Promise<Changed> {
    const key = this.keyOf(job);
    let now = known ?? (await this.read(job, bounds));
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const step = decide(now?.record);
      if (step.record === undefined) {
        if (now === undefined) throw new Error(`quorate: no record of ${job}`);
        return { now, step };
      }
      const operationId = this.#ids.operation();
      const expect = now === undefined ? "absent" : now.entry.revision;
      const text = encodeRecord(step.record);
      try {
        const put = await this.#kv.put(key, text, { expect, operationId, ...bounds });
        if (put.ok)
          return { now: { entry: put.entry, record: ofEntry(step.record, put.entry) }, step };
        now = found(put.current);
      } catch (error) {
        if (!isQuorateError(error) || error.effect !== "unknown") throw error;
        now = await this.read(job, bounds);
        if (now?.entry.operationId === operationId) return { now, step };
      }
    }
    throw contended(key);
  }
}

function found(entry: Entry | undefined): Found | undefined {
  return entry === undefined ? undefined : { entry, record: decodeRecord(entry) };
}

/** As the next reader will see it: what was claimed has its token. */
function ofEntry(record: JobRecord, { revision }: Entry): JobRecord {
  const running = record.running.map((run) =>
    run.fencingToken === TOKEN_OF_THIS_WRITE ? { ...run, fencingToken: revision } : run,
  );
  return { ...record, running };
}

function contended(key: string): QuorateError<"STORE_UNAVAILABLE"> {
  const message = `${key} was changed by others ${MAX_TRIES} times in a row; try again`;
  const details = { operation: "cron change" };
  return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
}
