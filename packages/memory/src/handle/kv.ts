/**
 * kv of one process: requests checked, sent over its link, and records turned into entries.
 *
 * Values are copied on the way in and on the way out, as a socket would: nobody can write into
 * what another reads.
 */
import {
  type CallOptions,
  type Change,
  checkCall,
  type CheckedCall,
  checkDelete,
  checkName,
  checkPut,
  checkTarget,
  checkValue,
  type DeleteOptions,
  type DeleteResult,
  type Entry,
  FENCE_HEADER_BYTES,
  type FencedWrites,
  type FenceResult,
  type FencingToken,
  type KvStore,
  type ListOptions,
  position,
  positiveInteger,
  type PutOptions,
  type PutResult,
  QuorateError,
  type WatchOptions,
  type WriteOptions,
} from "@quorate/core";
import type { KvAnswer, KvWrite } from "../store/kv-table.ts";
import { entryOf, toEntry } from "./entry.ts";
import { KvWatch } from "./kv-watch.ts";
import type { Process } from "./process.ts";

const DEFAULT_PAGE_SIZE = 500;

/** A linearizable map, over one link. */
export class MemoryKv implements KvStore {
  readonly fenced?: FencedWrites;
  readonly #process: Process;

  constructor(process: Process) {
    this.#process = process;
    if (!process.twin.fencedWrites) return;
    this.fenced = {
      raise: (key, token, options) => this.#fence(key, token, undefined, options),
      write: (key, token, payload, options) => this.#fence(key, token, payload, options),
    };
  }

  async get(key: string, options?: CallOptions): Promise<Entry | undefined> {
    const { lifecycle, bounds, space } = this.#process;
    lifecycle.assertOpen();
    checkName("key", key);
    const call = checkCall(options, bounds);
    const asked = this.#process.read("kv.get", call, () => space.get(key));
    const found = asked instanceof Promise ? await asked : asked;
    return found.record === undefined ? undefined : toEntry(found.record, found.nowMs);
  }

  put(key: string, value: Uint8Array | string, options?: PutOptions): Promise<PutResult> {
    // Not an async function: this is the path of most writes, and mostly nothing is waited for.
    try {
      const { lifecycle, bounds } = this.#process;
      lifecycle.assertOpen();
      const put = checkPut(key, value, options, bounds);
      const { expect, ttlMs, operationId } = put;
      // Text is kept as it is; its bytes were made for this call alone, and are the answer's.
      const isText = typeof value === "string";
      const kept = isText ? value : new Uint8Array(put.value);
      const write = { kind: "put", key, value: kept, expect, ttlMs, operationId } as const;
      const own = isText ? put.value : undefined;
      const asked = this.#write("kv.put", put, write);
      return asked instanceof Promise
        ? asked.then((answered) => putResult(answered, own))
        : Promise.resolve(putResult(asked, own));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async delete(key: string, options?: DeleteOptions): Promise<DeleteResult> {
    const { lifecycle, bounds } = this.#process;
    lifecycle.assertOpen();
    const request = checkDelete(key, options, bounds);
    const write = { kind: "delete", ...request } as const;
    const { answer, nowMs } = await this.#write("kv.delete", request, write);
    if (answer.kind === "deleted") return { ok: true, revision: answer.revision };
    return { ok: false, current: currentOf(answer, nowMs) };
  }

  async *list(collection: string, options?: ListOptions): AsyncGenerator<Entry> {
    const { lifecycle, bounds, space } = this.#process;
    if (collection !== "") checkName("collection", collection);
    const pageSize = positiveInteger("pageSize", options?.pageSize ?? DEFAULT_PAGE_SIZE);
    let after: string | undefined;
    for (;;) {
      lifecycle.assertOpen();
      const call = checkCall(options, bounds);
      const from = after;
      const nextPage = (): Entry[] => {
        const { records, nowMs } = space.page(collection, from, pageSize);
        return records.map((record) => toEntry(record, nowMs));
      };
      const page = await this.#process.read("kv.list", call, nextPage);
      yield* page;
      if (page.length < pageSize) return;
      after = page.at(-1)?.key;
    }
  }

  watch(target: string, options?: WatchOptions): AsyncIterableIterator<Change> {
    this.#process.lifecycle.assertOpen();
    checkTarget("target", target);
    return new KvWatch(this.#process, target, options?.signal).feed;
  }

  async #fence(
    key: string,
    token: FencingToken,
    payload: Uint8Array | undefined,
    options: WriteOptions | undefined,
  ): Promise<FenceResult> {
    const { lifecycle, bounds } = this.#process;
    lifecycle.assertOpen();
    const { operationId, ...call } = checkDelete(key, options, bounds);
    position("token", token);
    const room = bounds.maxValueBytes - FENCE_HEADER_BYTES;
    if (payload !== undefined) checkValue("payload", payload, room);
    const copy = payload === undefined ? undefined : new Uint8Array(payload);
    const write: KvWrite = { kind: "fence", key, token, payload: copy, operationId };
    const { answer } = await this.#write("kv.fenced", call, write);
    if (answer.kind === "put") return { ok: true, revision: answer.record.revision };
    if (answer.kind === "stale") return { ok: false, floor: answer.floor };
    const reason = "not a fence record; it was left as it is";
    const message = `${key} holds a value that is ${reason}`;
    throw new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
  }

  #write(
    operation: string,
    call: CheckedCall & { readonly key: string },
    write: KvWrite,
  ): Answered | Promise<Answered> {
    const process = this.#process;
    if (process.link.isCalm) return process.space.write(write);
    return process.write({ operation, call }, () => process.space.write(write), isApplied);
  }
}

interface Answered {
  readonly answer: KvAnswer;
  readonly nowMs: number;
}

/** `own`: bytes of the value that nobody else has. */
function putResult({ answer, nowMs }: Answered, own: Uint8Array | undefined): PutResult {
  if (answer.kind !== "put") return { ok: false, current: currentOf(answer, nowMs) };
  const { record, replayed } = answer;
  const isOurs = own !== undefined && !replayed;
  const entry = isOurs ? entryOf(record, own, nowMs) : toEntry(record, nowMs);
  return { ok: true, entry, replayed };
}

function isApplied({ answer }: Answered): boolean {
  return answer.kind === "put" || answer.kind === "deleted";
}

function currentOf(answer: KvAnswer, nowMs: number): Entry | undefined {
  if (answer.kind !== "conflict" || answer.current === undefined) return undefined;
  return toEntry(answer.current, nowMs);
}
