/**
 * Fenced writes in one step: the floor is checked and raised in the script that writes.
 *
 * The stored value is the fence record of core, the same that the generic way over `put` makes.
 * Asked again with the same token, a raise does nothing and says yes, and a write writes the same
 * again; so a request that was sent twice does no harm. A refusal is final: floors only rise.
 */
import {
  checkDelete,
  checkValue,
  encodeToken,
  FENCE_HEADER_BYTES,
  type FencedWrites,
  type FenceResult,
  type FencingToken,
  type Resolve,
  type WriteOptions,
} from "@quorate/core";
import { addressOf } from "../client.ts";
import type { Engine } from "../engine.ts";
import { foreignRecord, outcomeUnknown, unavailable } from "../errors.ts";
import { head, placeOf } from "./kv-keys.ts";
import { noteSent, settlePut } from "./kv-settle.ts";

const MICROS_DIGITS = 16;

/** Fenced writes of one backend. */
export class RedisFencedWrites implements FencedWrites {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async raise(key: string, token: FencingToken, options?: WriteOptions): Promise<FenceResult> {
    return this.#fence("kv.fenced.raise", { key, token, payload: undefined }, options);
  }

  async write(
    key: string,
    token: FencingToken,
    payload: Uint8Array,
    options?: WriteOptions,
  ): Promise<FenceResult> {
    const limit = this.#engine.bounds.maxValueBytes - FENCE_HEADER_BYTES;
    const bytes = Buffer.from(checkValue("payload", payload, limit));
    return this.#fence("kv.fenced.write", { key, token, payload: bytes }, options);
  }

  async #fence(
    operation: string,
    write: {
      readonly key: string;
      readonly token: FencingToken;
      readonly payload?: Buffer | undefined;
    },
    options: WriteOptions | undefined,
  ): Promise<FenceResult> {
    const { key, payload } = write;
    const facts = [encodeToken(write.token), ...(payload === undefined ? [] : [payload])];
    const request = checkDelete(key, options, this.#engine.bounds);
    this.#engine.lifecycle.assertOpen();
    const place = placeOf(this.#engine.partitions, key);
    const sent = noteSent(this.#engine, place, request.timeoutMs);
    // Its operation id in the entry says that it was the last write; else an entry that is older
    // than the request proves that it never landed.
    const asked = { ...request, expect: undefined };
    const resolve: Resolve = (bounds) => settlePut(this.#engine, asked, sent, bounds?.signal);
    const answer = await this.#engine.lifecycle.track(
      this.#engine.link.run({
        operation,
        script: this.#engine.scripts["kv-fence"],
        keys: place.keys,
        args: [...head(place, sent.notAfterMicros, request), ...facts],
        timeoutMs: request.timeoutMs,
        signal: request.signal,
        key,
        resolve,
      }),
    );
    const text = String(answer.value);
    this.#engine.clocks
      .of(place.partition)
      .learn(Number(text.slice(1, 1 + MICROS_DIGITS)), answer.sentMs);
    const number = Number(text.slice(1 + MICROS_DIGITS));
    if (text.startsWith("+")) return { ok: true, revision: number };
    const address = addressOf(this.#engine.link.client);
    const about = { operation, key, address };
    if (text.startsWith("!") && !answer.steady) {
      const why = "refused, but the connection broke on the way: a first copy may have been taken";
      const afterMs = this.#engine.runtime.time.monotonicMs() - answer.sentMs;
      throw outcomeUnknown(about, why, { afterMs, resolve });
    }
    if (text.startsWith("!")) return { ok: false, floor: number };
    if (text.startsWith("?")) throw foreignRecord(key, "it has no floor in front");
    throw unavailable(about, "it reached the server after its deadline");
  }
}
