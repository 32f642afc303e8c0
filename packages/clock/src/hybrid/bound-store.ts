/**
 * Where the bound against reuse is kept: any two functions, or a key of a kv store.
 *
 * On a kv store the bound never goes back: a write is conditional on what was read, and a larger
 * bound that is there already (a straggler of an earlier life, another process that wrongly shares
 * the id) is kept. What is there and is not a bound is left as it is.
 */
import { type CallOptions, checkName, type KvStore, type Ms, QuorateError } from "@quorate/core";
import { isWhole, MAX_TIME_MS } from "./timestamp.ts";

/** A place for one number that survives a restart. */
export interface BoundStore {
  /** The bound that was saved last; `undefined` if none ever was. */
  load(options: CallOptions): Promise<Ms | undefined>;
  /**
   * Resolves once `boundMs`, or a larger one, is safe from a crash. A save that was given up on
   * may still land; it must not replace a larger bound.
   */
  save(boundMs: Ms, options: CallOptions): Promise<void>;
}

/** Digits of `MAX_TIME_MS`. */
const BOUND = /^(?:0|[1-9][0-9]{0,14})$/;
/** Each conflict means that somebody else wrote; nobody should. */
const MAX_CONFLICTS = 8;

/**
 * Keeps the bound under `key`, which must be of one node id alone.
 *
 * The bound is as durable as the store: one that forgets acknowledged writes may bring an older
 * bound back, and with it the reuse that it is there to prevent.
 *
 * @throws INVALID_ARGUMENT `key` is not a name.
 *
 * @example
 * import { kvBoundStore } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const backend = memoryBackend();
 * const bound = kvBoundStore(backend.kv, "clocks/paris");
 * console.log(await bound.load({})); // => undefined
 * await backend.close();
 */
export function kvBoundStore(kv: KvStore, key: string): BoundStore {
  checkName("key", key);
  return {
    async load(options) {
      const entry = await kv.get(key, options);
      return entry === undefined ? undefined : read(key, entry.value);
    },
    async save(boundMs, options) {
      let entry = await kv.get(key, options);
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        if (entry !== undefined && read(key, entry.value) >= boundMs) return;
        const expect = entry?.revision ?? "absent";
        const put = await kv.put(key, String(boundMs), { ...options, expect });
        if (put.ok) return;
        entry = put.current;
      }
      throw contended(key);
    },
  };
}

function read(key: string, value: Uint8Array): Ms {
  const text = value.byteLength <= 15 ? Buffer.from(value).toString("latin1") : "";
  const boundMs = BOUND.test(text) ? Number(text) : Number.NaN;
  if (isWhole(boundMs, MAX_TIME_MS)) return boundMs;
  const details = { key, reason: "not a bound of a hybrid clock" };
  const message = `${key} holds something else than a clock's bound; it was left as it is`;
  throw new QuorateError("RECORD_INVALID", message, { effect: "none", details });
}

function contended(key: string): QuorateError {
  const message = `${key} was written ${MAX_CONFLICTS} times meanwhile: is a node id shared?`;
  const details = { operation: "clock.bound" };
  return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
}
