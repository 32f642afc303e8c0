/**
 * Frames and words of a stream on the wire.
 *
 * A frame goes from the server to the client's inbox: the items, or a sign of life, or the end. A
 * word goes from the client to the instance that accepted: credit, or that it wants no more. Both
 * name the call; a frame names its sender, too, because a request that was delivered twice has two.
 *
 * Foreign input: bounded in bytes before it is parsed; what does not fit its shape is no frame.
 */
import type { Json } from "@quorate/core";
import { readFailure, type WireFailure, writeFailure } from "../wire/answer.ts";
import { MAX_CLIENT_CHARACTERS } from "../wire/request.ts";
import {
  type Fields,
  isCount,
  isText,
  readFields,
  WIRE_VERSION,
  writeFields,
} from "../wire/text.ts";
import type { Credit } from "./credit.ts";
import type { Frame } from "./receiver.ts";
import type { Batch, SentEnd } from "./sender.ts";

/** Bytes of a frame beside its items and failure: numbers and names, at most. */
export const FRAME_HEAD_BYTES = 512;

const MAX_INSTANCE = 128;
/** A word is short; anything longer is none. */
const MAX_WORD_BYTES = 512;

/** A frame, and whose it is. */
export interface WireFrame extends Frame<WireFailure> {
  /** The client's number of the call. */
  readonly id: number;
  /** Who sends it. */
  readonly instance: string;
}

/** What a client tells the instance that sends it a stream. */
export interface WireWord {
  readonly client: string;
  readonly id: number;
  /** How much it is willing to receive in all; `undefined`: it wants no more. */
  readonly credit: Credit | undefined;
}

/** A frame as bytes. Its items are JSON already. */
export function encodeFrame(
  id: number,
  instance: string,
  { first, items, end }: Batch<WireFailure>,
): Uint8Array {
  const f = end?.kind === "failed" ? writeFailure(end.failure) : undefined;
  const d = end?.kind === "done" ? 1 : undefined;
  const head = JSON.stringify({ v: WIRE_VERSION, id, s: instance, q: first, d, f });
  const text = items.length === 0 ? head : `${head.slice(0, -1)},"i":[${items.join(",")}]}`;
  return Buffer.from(text, "utf8");
}

/** Reads a frame; `undefined` for what is none. */
export function decodeFrame(bytes: Uint8Array, maxBytes: number): WireFrame | undefined {
  const fields = readFields(bytes, maxBytes);
  if (fields === undefined) return undefined;
  const { id, s: instance, q: first, i: items = [] } = fields;
  if (!isCount(id) || !isText(instance, MAX_INSTANCE) || !isCount(first)) return undefined;
  if (!Array.isArray(items) || !isCount(first + items.length)) return undefined;
  const end = readEnd(fields);
  if (end === "malformed") return undefined;
  return { id, instance, first, items: items as readonly Json[], end, bytes: bytes.byteLength };
}

/** A word as bytes. */
export function encodeWord({ client, id, credit }: WireWord): Uint8Array {
  const stop = credit === undefined ? 1 : undefined;
  return writeFields({
    v: WIRE_VERSION,
    c: client,
    id,
    n: credit?.items,
    b: credit?.bytes,
    x: stop,
  });
}

/** Reads a word; `undefined` for what is none. */
export function decodeWord(bytes: Uint8Array): WireWord | undefined {
  const fields = readFields(bytes, MAX_WORD_BYTES);
  if (fields === undefined) return undefined;
  const { c: client, id, n: items, b, x } = fields;
  if (!isText(client, MAX_CLIENT_CHARACTERS) || !isCount(id)) return undefined;
  if (x === 1) return { client, id, credit: undefined };
  return isCount(items) && isCount(b) ? { client, id, credit: { items, bytes: b } } : undefined;
}

function readEnd({ d, f }: Fields): SentEnd<WireFailure> | undefined | "malformed" {
  if (f === undefined) return d === 1 ? { kind: "done" } : undefined;
  const failure = readFailure(f);
  return failure === undefined ? "malformed" : { kind: "failed", failure };
}
