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
  checkDelete,
  checkName,
  checkPut,
  checkTarget,
  checkValue,
  compareNames,
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
import type { KvAnswer, KvRecord, KvWrite } from "../store/kv-table.ts";
import { toEntry } from "./entry.ts";
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
    const found = await this.#process.read("kv.get", call, () => space.get(key));
    return found.record === undefined ? undefined : toEntry(found.record, found.nowMs);
  }

  async put(key: string, value: Uint8Array | string, options?: PutOptions): Promise<PutResult> {
    const { lifecycle, bounds } = this.#process;
    lifecycle.assertOpen();
    const put = checkPut(key, value, options, bounds);
    const write = { kind: "put", ...put, value: new Uint8Array(put.value) } as const;
    const { answer, nowMs } = await this.#write({ operation: "kv.put", ...put }, write);
    if (answer.kind === "put") {
      return { ok: true, entry: toEntry(answer.record, nowMs), replayed: answer.replayed };
    }
    return { ok: false, current: currentOf(answer, nowMs) };
  }

  async delete(key: string, options?: DeleteOptions): Promise<DeleteResult> {
    const { lifecycle, bounds } = this.#process;
    lifecycle.assertOpen();
    const request = checkDelete(key, options, bounds);
    const write = { kind: "delete", ...request } as const;
    const { answer, nowMs } = await this.#write({ operation: "kv.delete", ...request }, write);
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
        const { records, nowMs } = space.collection(collection);
        return pageOf(records, from, pageSize).map((record) => toEntry(record, nowMs));
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
    const { answer } = await this.#write({ operation: "kv.fenced", ...call }, write);
    if (answer.kind === "put") return { ok: true, revision: answer.record.revision };
    if (answer.kind === "stale") return { ok: false, floor: answer.floor };
    const reason = "not a fence record; it was left as it is";
    const message = `${key} holds a value that is ${reason}`;
    throw new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
  }

  #write(
    request: Parameters<Process["write"]>[0],
    write: KvWrite,
  ): Promise<{ readonly answer: KvAnswer; readonly nowMs: number }> {
    const { space } = this.#process;
    return this.#process.write(
      request,
      () => space.write(write),
      ({ answer }) => answer.kind === "put" || answer.kind === "deleted",
    );
  }
}

function currentOf(answer: KvAnswer, nowMs: number): Entry | undefined {
  if (answer.kind !== "conflict" || answer.current === undefined) return undefined;
  return toEntry(answer.current, nowMs);
}

function pageOf(records: KvRecord[], after: string | undefined, size: number): KvRecord[] {
  const rest =
    after === undefined ? records : records.filter(({ key }) => compareNames(key, after) > 0);
  return rest.sort((left, right) => compareNames(left.key, right.key)).slice(0, size);
}
