/**
 * kv by scripts: each call is one command, atomic, and recognises its own repetition.
 *
 * A write carries its operation id into the entry, so a repetition (by the caller, or by ioredis
 * after a reconnect) finds it and answers `replayed`. A refusal that came over a connection that
 * changed on the way may be the second answer to one question: it is reported as unknown.
 *
 * Guarantees: those of `KvStore` on one server. Does not guarantee that an unconditional put which
 * was sent twice by the client library lands once, if another write came in between: write with
 * `expect` where that matters.
 */
import { isUtf8 } from "node:buffer";
import {
  type CallOptions,
  checkCall,
  type CheckedDelete,
  checkDelete,
  checkName,
  type CheckedPut,
  checkPut,
  type Change,
  type DeleteOptions,
  type DeleteResult,
  type Entry,
  type FencedWrites,
  type KvStore,
  type ListOptions,
  type PutOptions,
  type PutResult,
  type Resolve,
  type WatchOptions,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import { outcomeUnknown, unavailable } from "../errors.ts";
import { addressOf } from "../client.ts";
import type { Answer } from "../request.ts";
import { type EntryPlace, head, placeOf } from "./kv-keys.ts";
import { RedisFencedWrites } from "./kv-fenced.ts";
import { listEntries } from "./kv-list.ts";
import { readEntry } from "./kv-read.ts";
import { noteSent, settleDelete, settlePut } from "./kv-settle.ts";
import { KvWatches } from "./kv-watch.ts";
import { decodeEntry, digitsAt, encodeRevision } from "./kv-wire.ts";

const MICROS_DIGITS = 16;

/** A write's answer, apart from its letter. */
interface Verdict {
  readonly letter: string;
  readonly answer: Answer;
  readonly head: Buffer;
  readonly current: Entry | undefined;
}

/** kv of one backend. */
export class RedisKv implements KvStore {
  readonly fenced: FencedWrites;
  readonly #engine: Engine;
  readonly #watches: KvWatches;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.fenced = new RedisFencedWrites(engine);
    this.#watches = new KvWatches(engine);
  }

  async get(key: string, options?: CallOptions): Promise<Entry | undefined> {
    const call = checkCall(options, this.#engine.bounds);
    checkName("key", key);
    this.#engine.lifecycle.assertOpen();
    return this.#engine.lifecycle.track(readEntry(this.#engine, key, call));
  }

  async put(key: string, value: Uint8Array | string, options?: PutOptions): Promise<PutResult> {
    const put = checkPut(key, value, options, this.#engine.bounds);
    this.#engine.lifecycle.assertOpen();
    const text = typeof value === "string" ? value : undefined;
    return this.#engine.lifecycle.track(this.#put(put, text));
  }

  async delete(key: string, options?: DeleteOptions): Promise<DeleteResult> {
    const request = checkDelete(key, options, this.#engine.bounds);
    this.#engine.lifecycle.assertOpen();
    return this.#engine.lifecycle.track(this.#delete(request));
  }

  list(collection: string, options?: ListOptions): AsyncIterable<Entry> {
    return listEntries(this.#engine, collection, options);
  }

  watch(target: string, options?: WatchOptions): AsyncIterableIterator<Change> {
    return this.#watches.watch(target, options);
  }

  /** Ends upkeep; the backend has ended watches. */
  close(): void {
    this.#watches.close();
  }

  async #put(put: CheckedPut, text: string | undefined): Promise<PutResult> {
    const place = placeOf(this.#engine.partitions, put.key);
    // The caller's buffer is the caller's: it may change while we wait for a connection.
    const bytes = text === undefined ? Buffer.from(put.value) : put.value;
    const { expect, ttlMs } = put;
    const expected = expect === undefined ? "" : expect === "absent" ? "-" : encodeRevision(expect);
    const sent = noteSent(this.#engine, place, put.timeoutMs);
    const resolve: Resolve = (options) => settlePut(this.#engine, put, sent, options?.signal);
    const answer = await this.#engine.link.run({
      operation: "kv.put",
      script: this.#engine.scripts["kv-put"],
      keys: place.keys,
      args: [
        ...head(place, sent.notAfterMicros, put),
        expected,
        ttlMs === undefined ? "" : String(ttlMs),
        text !== undefined && text.length <= LONGEST_TEXT ? text : asText(bytes),
      ],
      timeoutMs: put.timeoutMs,
      signal: put.signal,
      buffers: true,
      key: put.key,
      resolve,
    });
    const { letter, head: answered, current } = this.#verdict(put.key, place, answer);
    if (letter === "+") {
      const revision = digitsAt(answered, 1 + MICROS_DIGITS);
      const createdRevision = digitsAt(answered, 1 + 2 * MICROS_DIGITS);
      const { key, operationId } = put;
      const value = new Uint8Array(bytes);
      // Two literals: a spread with a field after it costs more than the whole answer on Node 20.
      const entry: Entry =
        ttlMs === undefined
          ? { key, value, revision, createdRevision, operationId }
          : { key, value, revision, createdRevision, operationId, expiresInMs: ttlMs };
      return { ok: true, entry, replayed: false };
    }
    if (letter === "=" && current !== undefined)
      return { ok: true, entry: current, replayed: true };
    this.#believe(letter, answer, put, resolve);
    return { ok: false, current };
  }

  async #delete(request: CheckedDelete): Promise<DeleteResult> {
    const place = placeOf(this.#engine.partitions, request.key);
    const { expect } = request;
    const sent = noteSent(this.#engine, place, request.timeoutMs);
    const resolve: Resolve = (options) =>
      settleDelete(this.#engine, request, sent, options?.signal);
    const answer = await this.#engine.link.run({
      operation: "kv.delete",
      script: this.#engine.scripts["kv-delete"],
      keys: place.keys,
      args: [
        ...head(place, sent.notAfterMicros, request),
        expect === undefined ? "" : encodeRevision(expect),
      ],
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      buffers: true,
      key: request.key,
      resolve,
    });
    const { letter, head: answered, current } = this.#verdict(request.key, place, answer);
    if (letter === "+") return { ok: true, revision: digitsAt(answered, 1 + MICROS_DIGITS) };
    this.#believe(letter, answer, request, resolve);
    return { ok: false, current };
  }

  #verdict(key: string, place: EntryPlace, answer: Answer): Verdict {
    const { value } = answer;
    const parts = Buffer.isBuffer(value) ? [value] : (value as readonly [Buffer, Buffer, number]);
    const [first, bytes, leftMs] = parts;
    this.#engine.clocks.of(place.partition).learn(digitsAt(first, 1), answer.sentMs);
    const letter = String.fromCharCode(first[0] ?? 0);
    const there = bytes !== undefined && bytes.length > 0;
    const current = there ? decodeEntry(key, bytes, Number(leftMs ?? -1)) : undefined;
    return { letter, answer, head: first, current };
  }

  /** Throws where a "no" must not be believed. */
  #believe(
    letter: string,
    answer: Answer,
    request: CheckedPut | CheckedDelete,
    resolve: Resolve,
  ): void {
    const operation = "value" in request ? "kv.put" : "kv.delete";
    const about = { operation, key: request.key, address: addressOf(this.#engine.link.client) };
    if (!answer.steady) {
      const why = "the connection broke on the way, and the answer may be to a second copy";
      const afterMs = this.#engine.runtime.time.monotonicMs() - answer.sentMs;
      throw outcomeUnknown(about, why, { afterMs, resolve });
    }
    if (letter === "L") throw unavailable(about, "it reached the server after its deadline");
  }
}

const LONGEST_TEXT = 16_384;

/**
 * Short text as a string: a command without buffers is one string to ioredis, and costs half as
 * much as one that has to be put together from pieces.
 */
function asText(bytes: Uint8Array): string | Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.byteLength <= LONGEST_TEXT && isUtf8(bytes) ? buffer.toString("utf8") : buffer;
}
