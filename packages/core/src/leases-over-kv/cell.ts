/**
 * One record in the store, as far as we know it.
 *
 * Remembers what was read, told or written last, so that most changes take one conditional write
 * and no read. What it knows may be old: a write on old knowledge is refused and brings the new,
 * and a conclusion without a write needs `exchange` to be later than the question.
 *
 * A write whose outcome is unknown closes the cell until `settle` has asked the store what became
 * of it, and made sure that it cannot land later.
 */
import { withDeadline } from "../deadline.ts";
import { isQuorateError } from "../errors/quorate-error.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Ms, Revision } from "../waist/common.ts";
import type { Change, Entry, KvStore } from "../waist/kv.ts";
import {
  decodeRecord,
  encodeRecord,
  FREE,
  isFree,
  type LeaseRecord,
  withTokens,
} from "./record.ts";
import type { Sightings } from "./sightings.ts";

/** What is known of a record. */
export interface Known {
  readonly record: LeaseRecord;
  /** Absent: nothing is stored under the name. */
  readonly entry: Entry | undefined;
  /** Number of the exchange with the store that brought it; 0: told by a watch, or assumed. */
  readonly exchange: number;
}

/** How a write ended, and the record as this write made it. */
export type Written =
  | { readonly kind: "written"; readonly known: Known }
  | { readonly kind: "conflict" }
  | { readonly kind: "unknown" };

const ASSUMED_FREE: Known = { record: FREE, entry: undefined, exchange: 0 };

/** The record of one name. */
export class RecordCell {
  readonly key: string;
  readonly #kv: KvStore;
  readonly #runtime: Runtime;
  readonly #sightings: Sightings;
  #known: Known = ASSUMED_FREE;
  /** The highest revision heard of, and how many exchanges had begun then. */
  #newest: { readonly revision: Revision; readonly exchange: number } = {
    revision: 0,
    exchange: 0,
  };
  #exchanges = 0;
  #unsettled: unknown;
  #roundTripMs: Ms = 1;

  constructor(kv: KvStore, key: string, runtime: Runtime, sightings: Sightings) {
    this.#kv = kv;
    this.key = key;
    this.#runtime = runtime;
    this.#sightings = sightings;
  }

  get known(): Known {
    return this.#known;
  }

  /** How many exchanges with the store were begun. */
  get exchanges(): number {
    return this.#exchanges;
  }

  /** How long the last exchange took. */
  get roundTripMs(): Ms {
    return this.#roundTripMs;
  }

  /** The error of a write that may yet land; `undefined`: nothing is in doubt. */
  get unsettled(): unknown {
    return this.#unsettled;
  }

  /** Drops what is known; the next write finds out. */
  forget(): void {
    this.#known = ASSUMED_FREE;
  }

  /** Reads the record afresh. */
  async read(timeoutMs: Ms): Promise<void> {
    const exchange = ++this.#exchanges;
    const startedMs = this.#runtime.time.monotonicMs();
    const entry = await this.#kv.get(this.key, { timeoutMs });
    this.#roundTripMs = this.#runtime.time.monotonicMs() - startedMs;
    this.#adopt(entry, exchange);
  }

  /** Puts `record` in the place of what is known; a record that says nothing is removed. */
  async write(record: LeaseRecord, timeoutMs: Ms): Promise<Written> {
    const exchange = ++this.#exchanges;
    const { time } = this.#runtime;
    const startedMs = time.monotonicMs();
    const base = this.#known.entry;
    const tokened = base === undefined ? record : withTokens(record, base.revision + 1);
    let answer: { entry: Entry | undefined } | { current: Entry | undefined };
    try {
      if (base !== undefined && isFree(record) && record.last <= base.revision) {
        const deleted = await this.#kv.delete(this.key, { expect: base.revision, timeoutMs });
        if (deleted.ok) this.#note(deleted.revision);
        answer = deleted.ok ? { entry: undefined } : { current: deleted.current };
      } else {
        const idleMs = (holder: Parameters<Sightings["beatSinceMs"]>[0]): Ms =>
          Math.max(0, startedMs - this.#sightings.beatSinceMs(holder, startedMs));
        const expect = base?.revision ?? "absent";
        const value = encodeRecord(tokened, idleMs);
        const put = await this.#kv.put(this.key, value, { expect, timeoutMs });
        answer = put.ok ? { entry: put.entry } : { current: put.current };
      }
    } catch (error) {
      if (isQuorateError(error) && error.effect === "none") throw error;
      this.#unsettled = error;
      return { kind: "unknown" };
    }
    this.#roundTripMs = time.monotonicMs() - startedMs;
    if ("current" in answer) {
      this.#adopt(answer.current, exchange);
      return { kind: "conflict" };
    }
    const { entry } = answer;
    const written = entry === undefined ? FREE : withTokens(tokened, entry.createdRevision);
    const known = { record: written, entry, exchange };
    this.#accept(known);
    return { kind: "written", known };
  }

  /** Finds out what became of the unsettled write, then reads. False: the store is still silent. */
  async settle(timeoutMs: Ms): Promise<boolean> {
    const error = this.#unsettled;
    const onTimeout = (): unknown => error;
    try {
      if (isQuorateError(error) && error.resolve !== undefined) {
        await withDeadline(this.#runtime, error.resolve(), { timeoutMs, onTimeout });
      }
      await this.read(timeoutMs);
    } catch (failure) {
      if (isQuorateError(failure, "RECORD_INVALID") || isQuorateError(failure, "CLOSED")) {
        this.#unsettled = undefined;
        throw failure;
      }
      return false;
    }
    this.#unsettled = undefined;
    return true;
  }

  /** Takes note of what a watch told. */
  hear(change: Change): void {
    if (change.kind === "put" && change.entry.revision > this.#newest.revision) {
      this.#adopt(change.entry, 0);
    } else if (change.kind === "delete" && change.revision > this.#newest.revision) {
      this.#note(change.revision);
      this.#accept({ record: FREE, entry: undefined, exchange: 0 });
    }
  }

  #adopt(entry: Entry | undefined, exchange: number): void {
    if (entry !== undefined && entry.revision < this.#newest.revision) {
      // A watch told newer things while this answer was on its way. An answer to a question that
      // came after them is the truth all the same: the store went back, by reset or restore.
      if (exchange <= this.#newest.exchange) return;
      this.#newest = { revision: entry.revision, exchange };
    }
    const same = entry !== undefined && entry.revision === this.#known.entry?.revision;
    const record = entry === undefined ? FREE : same ? this.#known.record : decodeRecord(entry);
    this.#accept({ record, entry, exchange });
  }

  #accept(known: Known): void {
    if (known.entry !== undefined) this.#note(known.entry.revision);
    this.#known = known;
    this.#sightings.see(known.record, this.#runtime.time.monotonicMs());
  }

  #note(revision: Revision): void {
    if (revision > this.#newest.revision) this.#newest = { revision, exchange: this.#exchanges };
  }
}
