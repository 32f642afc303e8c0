/**
 * What is stored of an answer: a JSON value that any codec of `@quorate/idempotency` can hold.
 *
 * Text stays text, which is shorter than base64 and can be read by whoever looks into the store;
 * everything else becomes base64. A stored answer may also be *unkept*: the handler ran and
 * answered, but the answer was too large to store; then a retry is told so, and runs nothing.
 *
 * Guarantees: the bytes that come out are the bytes that went in. What comes out of a store is
 * foreign: status, headers and body are checked, and what is not ours is `undefined`.
 */
import { isUtf8 } from "node:buffer";

import type { Json } from "@quorate/core";
import { type Answer, NO_BYTES } from "./answer.ts";
import { areSafeHeaders, headersToStore } from "./header-policy.ts";

/** What a record holds. */
export type StoredAnswer =
  | { readonly kind: "answer"; readonly answer: Answer }
  /** Executed and answered with `status`; the answer itself was not kept. */
  | { readonly kind: "unkept"; readonly status: number };

/** Names the meaning of the fields below: it changes if they do. */
const VERSION = 1;

/** Escaped sixfold in JSON: bodies with them are binary, or as good as. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The JSON value of an answer, with those headers that are in `kept`. */
export function encodeAnswer(answer: Answer, kept: ReadonlySet<string>): Json {
  const headers = headersToStore(answer.headers, kept);
  return { v: VERSION, status: answer.status, headers, ...encodeBody(answer.body) };
}

/** The JSON value that says: it ran, with this status, and the answer is gone. */
export function encodeUnkept(status: number): Json {
  return { v: VERSION, status };
}

/** Reverses both; `undefined` for what neither has made. */
export function decodeAnswer(value: unknown): StoredAnswer | undefined {
  const record = fieldsOf(value);
  if (record?.get("v") !== VERSION) return undefined;
  const status = record.get("status");
  if (!isStatus(status)) return undefined;
  if (!record.has("headers")) return { kind: "unkept", status };
  const headers = record.get("headers");
  const body = decodeBody(record);
  if (!areSafeHeaders(headers) || body === undefined) return undefined;
  return { kind: "answer", answer: { status, headers, body } };
}

function encodeBody(body: Uint8Array): { readonly [field: string]: string } {
  if (body.byteLength === 0) return {};
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength); // A view, no copy.
  if (isUtf8(bytes)) {
    const text = bytes.toString("utf8");
    if (!CONTROL.test(text)) return { text };
  }
  return { base64: bytes.toString("base64") };
}

function decodeBody(record: ReadonlyMap<string, unknown>): Uint8Array | undefined {
  const text = record.get("text");
  const base64 = record.get("base64");
  if (text === undefined && base64 === undefined) return NO_BYTES;
  if (typeof text === "string" && base64 === undefined) return Buffer.from(text, "utf8");
  if (typeof base64 !== "string" || text !== undefined) return undefined;
  return BASE64.test(base64) ? Buffer.from(base64, "base64") : undefined;
}

/** A map: names from outside are never looked up in an object that has a prototype. */
function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 200 && (value as number) <= 599;
}
