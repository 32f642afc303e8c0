/**
 * Messages on the wire: four digits of a head's length, the head as JSON, the data's bytes.
 *
 * A message comes from any process of the namespace, so its head is checked like all foreign
 * input; what cannot be read is no message.
 */
import { type Json, type MessageHeaders, parseJson, readHeaders } from "@quorate/core";

const HEAD_DIGITS = 6;

/** What travels beside the data. */
export interface MessageHead {
  readonly subject: string;
  readonly headers: MessageHeaders;
  /** Publisher and running number: a copy that the client library sent twice is told by it. */
  readonly publisher: string;
  readonly sequence: number;
  /** Channel and id under which an answer is awaited. */
  readonly replyTo?: string | undefined;
  readonly replyId?: string | undefined;
}

/** A message as bytes. */
export function encodeMessage(head: MessageHead, data: Uint8Array): Buffer {
  const { subject, headers, publisher, sequence, replyTo, replyId } = head;
  const json = JSON.stringify({
    s: subject,
    h: headers,
    p: publisher,
    n: sequence,
    r: replyTo,
    i: replyId,
  });
  const length = String(Buffer.byteLength(json)).padStart(HEAD_DIGITS, "0");
  return Buffer.concat([Buffer.from(length + json), data]);
}

/** Reads a message; `undefined` for what is not one. */
export function decodeMessage(
  bytes: Buffer,
): { readonly head: MessageHead; readonly data: Uint8Array } | undefined {
  const length = Number(bytes.toString("latin1", 0, HEAD_DIGITS));
  const end = HEAD_DIGITS + length;
  if (!Number.isSafeInteger(length) || end > bytes.length) return undefined;
  const parsed = parseJson(bytes.subarray(HEAD_DIGITS, end), { maxDepth: 3 });
  if (!parsed.ok) return undefined;
  const { s, h, p, n, r, i } = fields(parsed.value);
  if (typeof s !== "string" || typeof p !== "string" || typeof n !== "number") return undefined;
  const head = {
    subject: s,
    headers: readHeaders(Object.entries(fields(h ?? null))),
    publisher: p,
    sequence: n,
    replyTo: typeof r === "string" ? r : undefined,
    replyId: typeof i === "string" ? i : undefined,
  };
  return { head, data: new Uint8Array(bytes.subarray(end)) };
}

function fields(value: Json): Readonly<Record<string, Json>> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, Json>>) : {};
}
