/**
 * The floor and what it guards, moved in one atomic step: by the engine's own fenced writes where
 * it has them, else by compare-and-set.
 *
 * Both make the same record (`encodeFenceRecord`), so a resource may be written both ways.
 *
 * Guarantees: a write is applied only if no greater token was here, and from then on every smaller
 * one is refused. Does not guarantee: progress against a stream of other writers; it gives up with
 * TIMEOUT when the call's time is over, having written nothing.
 */
import {
  decodeFenceRecord,
  encodeFenceRecord,
  type Entry,
  type FenceRecord,
  type FenceResult,
  type FencingToken,
  type KvStore,
  type Ms,
  QuorateError,
  show,
} from "@quorate/core";

/** Bounds of one call to a guard. */
export interface FenceCall {
  readonly signal?: AbortSignal | undefined;
  /** Deadline of each exchange with the store. @default the backend's own */
  readonly timeoutMs?: Ms;
}

/** Attempts against other writers; each lost one means that another got through. */
const MOST_ATTEMPTS = 100;

/** Fence records of one kv. */
export class FenceStore {
  readonly #kv: KvStore;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** The record of `key`; `undefined` if none was ever written. @throws RECORD_INVALID not ours. */
  async read(key: string, call: FenceCall = {}): Promise<FenceRecord | undefined> {
    return recordOf(key, await this.#kv.get(key, call));
  }

  /** Raises the floor to `token`, and writes `payload` if given, unless the floor is above it. */
  async advance(
    key: string,
    token: FencingToken,
    payload: Uint8Array | undefined,
    call: FenceCall = {},
  ): Promise<FenceResult> {
    const { fenced } = this.#kv;
    if (fenced !== undefined) {
      return payload === undefined
        ? fenced.raise(key, token, call)
        : fenced.write(key, token, payload, call);
    }
    return this.#compareAndSet(key, call, (record) => {
      if (record !== undefined && record.floor > token) return { floor: record.floor };
      return { record: { floor: token, payload: payload ?? record?.payload ?? new Uint8Array() } };
    });
  }

  /** Sets the floor to `floor` if it is `expected`, keeping the payload. False if it is not. */
  async reset(
    key: string,
    expected: FencingToken,
    floor: FencingToken,
    call: FenceCall = {},
  ): Promise<FenceResult> {
    return this.#compareAndSet(key, call, (record) => {
      if (record?.floor !== expected) return { floor: record?.floor ?? 0 };
      return { record: { floor, payload: record.payload } };
    });
  }

  async #compareAndSet(
    key: string,
    call: FenceCall,
    next: (record: FenceRecord | undefined) => { floor: FencingToken } | { record: FenceRecord },
  ): Promise<FenceResult> {
    let current = await this.#kv.get(key, call);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const step = next(recordOf(key, current));
      if ("floor" in step) return { ok: false, floor: step.floor };
      const expect = current?.revision ?? "absent";
      const result = await this.#kv.put(key, encodeFenceRecord(step.record), { ...call, expect });
      if (result.ok) return { ok: true, revision: result.entry.revision };
      current = result.current;
    }
    throw crowded(key);
  }
}

function recordOf(key: string, entry: Entry | undefined): FenceRecord | undefined {
  if (entry === undefined) return undefined;
  const record = decodeFenceRecord(entry.value);
  if (record !== undefined) return record;
  const reason = "it does not begin with a floor";
  const message = `${show(key)} is not a fence record: ${reason}. Another part writes this key`;
  throw new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

function crowded(key: string): QuorateError<"TIMEOUT"> {
  const message = `${show(key)} was changed by others at each of ${MOST_ATTEMPTS} attempts`;
  const details = { operation: "guard", timeoutMs: 0 };
  return new QuorateError("TIMEOUT", message, { effect: "none", details });
}
