/**
 * Values on their way into a record and back: JSON, through the user's codec, inline or apart.
 *
 * What is longer than 32 KiB gets a key of its own first, and the record a reference: else every
 * later write would carry it again. A key of its own has a name of its own, so that two owners
 * never write the same one. How long it is there: `apart.ts`.
 */
import {
  type Backend,
  type Entry,
  isQuorateError,
  type Json,
  type Ms,
  QuorateError,
  type Revision,
} from "@quorate/core";
import { recordInvalid } from "../kernel/errors.ts";
import { settledPut } from "../kernel/settled-put.ts";
import type { Payload } from "./record.ts";

/** Longest text that a record carries itself, in bytes. */
export const MAX_INLINE_BYTES = 32_768;

/** Collection of the values that are kept apart. */
export const APART = "saga-values";

const TRIES = 4;

/** What the user may do to values before they are stored: encrypt them. */
export interface PayloadCodec {
  /** From JSON text. */
  encode(text: string): string;
  /** Back to the same text; throws where it cannot. */
  decode(stored: string): string;
}

/** Encodes, stores and reads values. */
export class Payloads {
  readonly #backend: Backend;
  readonly #codec: PayloadCodec | undefined;
  readonly #unheldMs: Ms;

  /** `unheldMs`: how long a value is there that nobody keeps. */
  constructor(backend: Backend, codec: PayloadCodec | undefined, unheldMs: Ms) {
    this.#backend = backend;
    this.#codec = codec;
    this.#unheldMs = unheldMs;
  }

  /** The text of `value`; `undefined` for `undefined`. @throws RESULT_UNENCODABLE */
  encode(value: unknown, key: string): string | undefined {
    if (value === undefined) return undefined;
    const text = jsonOf(value, key);
    if (this.#codec === undefined) return text;
    // As a JSON string: what a codec makes may have line ends, and lines are what keeps them apart.
    try {
      return JSON.stringify(this.#codec.encode(text));
    } catch {
      throw unencodable(key, "the codec refused it");
    }
  }

  /** `text` as a payload of a record; `undefined`: it must be stored apart first. */
  inline(text: string): Payload | undefined {
    const isShort =
      text.length <= MAX_INLINE_BYTES / 3 || Buffer.byteLength(text) <= MAX_INLINE_BYTES;
    return isShort ? { kind: "inline", text } : undefined;
  }

  /** Stores `text` under a key of its own. @throws TOO_LARGE, or the store's error. */
  async store(text: string, id: string, signal: AbortSignal | undefined): Promise<Payload> {
    const ref = this.#backend.runtime.ids.operation();
    const key = `${APART}/${ref}`;
    const value = `${JSON.stringify({ id })}\n${text}`;
    const tries = triesOf(signal);
    const put = { key, text: value, expect: "absent", ttlMs: this.#unheldMs } as const;
    await settledPut(this.#backend, { ...put, signal, tries });
    return { kind: "apart", ref };
  }

  /** Keeps a value for ever. Its revision by that; `undefined`: it is gone, or is being written. */
  async keep(ref: string, signal: AbortSignal | undefined): Promise<Revision | undefined> {
    const entry = await this.#backend.kv.get(`${APART}/${ref}`);
    return entry === undefined ? undefined : this.#rewrite(entry, undefined, signal);
  }

  /** Gives a value an end, if it is still at `revision`; `undefined`: at any. */
  async letGo(
    ref: string,
    revision: Revision | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const entry = await this.#backend.kv.get(`${APART}/${ref}`);
    if (entry === undefined || (revision ?? entry.revision) !== entry.revision) return;
    await this.#rewrite(entry, this.#unheldMs, signal);
  }

  async #rewrite(
    { key, value, revision: expect }: Entry,
    ttlMs: Ms | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Revision | undefined> {
    const text = Buffer.from(value).toString("utf8");
    const write = { key, text, expect, ttlMs, signal, tries: triesOf(signal) };
    const put = await settledPut(this.#backend, write);
    return put.ok ? put.entry.revision : undefined;
  }

  /** The value of `payload`. @throws RECORD_INVALID it is not there, or not what was stored. */
  async read(payload: Payload | undefined): Promise<Json | undefined> {
    if (payload === undefined) return undefined;
    if (payload.kind === "inline") return this.decode(payload.text);
    const key = `${APART}/${payload.ref}`;
    const entry = await this.#backend.kv.get(key);
    if (entry === undefined) throw recordInvalid(key, "the value is gone");
    const text = Buffer.from(entry.value).toString("utf8");
    return this.decode(text.slice(text.indexOf("\n") + 1));
  }

  /**
   * What `decode` makes of `text`, which `encode` made of `value` just now. Of most values it is
   * known without parsing.
   */
  same(value: unknown, text: string): Json {
    // A codec is asked at once whether it can read what it wrote.
    if (this.#codec !== undefined) return this.decode(text);
    if (isScalar(value)) return value;
    return isFlat(value) ? { ...value } : this.decode(text);
  }

  /** The value of inline text. @throws RECORD_INVALID */
  decode(text: string): Json {
    const parsed = parseStored(this.#codec === undefined ? text : this.#opened(text));
    if (parsed.ok) return parsed.value;
    throw recordInvalid("a saga's value", parsed.reason);
  }

  #opened(text: string): string {
    const quoted = parseStored(text);
    if (!quoted.ok || typeof quoted.value !== "string") {
      throw recordInvalid("a saga's value", "it was stored without the codec");
    }
    try {
      return this.#codec?.decode(quoted.value) ?? "";
    } catch {
      throw recordInvalid("a saga's value", "the codec cannot read it");
    }
  }
}

/** Who drives a saga asks until it is lost; a caller is told. */
function triesOf(signal: AbortSignal | undefined): number {
  return signal === undefined ? TRIES : Infinity;
}

type Parsed =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: string };

/**
 * The user's own values, bounded by what the store takes: the same plain objects after a crash as
 * in the process that made them.
 */
function parseStored(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch {
    return { ok: false, reason: "not JSON" };
  }
}

/** JSON says of it what it is. */
function isScalar(value: unknown): value is string | number | boolean | null {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === "string" || typeof value === "boolean" || value === null;
}

/** A plain object of nothing but scalars: a copy is what JSON would make of it. */
function isFlat(value: unknown): value is { readonly [key: string]: Json } {
  if (typeof value !== "object" || value === null) return false;
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) {
    if (!isScalar((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}

function jsonOf(value: unknown, key: string): string {
  let text: string | undefined;
  let reason = "it is no JSON value";
  try {
    text = JSON.stringify(value);
  } catch (error) {
    reason = error instanceof TypeError ? (error.message.split("\n", 1)[0] ?? reason) : reason;
  }
  if (text !== undefined && text.isWellFormed()) return text;
  throw unencodable(key, reason);
}

function unencodable(key: string, reason: string): QuorateError<"RESULT_UNENCODABLE"> {
  const message = `the value of ${key} cannot be stored: ${reason}`;
  const details = { key, reason };
  return new QuorateError("RESULT_UNENCODABLE", message, { effect: "applied", details });
}

/** Whether the store will never take it, however often it is asked. */
export function isUnstorable(error: unknown): boolean {
  return isQuorateError(error, "RESULT_UNENCODABLE") || isQuorateError(error, "TOO_LARGE");
}
