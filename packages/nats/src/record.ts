/**
 * Records: what one stored message says.
 *
 * The value is the message's body as it is; the facts beside it are headers, so that a person with
 * the NATS tool reads them too:
 *
 *     Q-Op       operation id of the write
 *     Q-Created  revision of the put that brought the key into being; absent: this one
 *     Q-Ttl      retention in ms, counted from the message's own time stamp
 *     Q-Deleted  a tombstone: the key is not there
 *     Q-Fence    written to keep a lost write out: message id of that write
 *     Nats-TTL   (server 2.11 and later) when the server may sweep it up, long after Q-Ttl
 *
 * Stored messages are foreign input: whatever does not parse is an invalid record, left alone.
 */
import type { Entry, Ms, Revision } from "@quorate/core";
import { parseHeaderBlock } from "./headers.ts";
import { asNumber, asObject, asString, type JsonObject } from "./jetstream/answers.ts";
import { parseTimeUs } from "./positions.ts";

/** One stored message, read. */
export interface StoredRecord {
  readonly subject: string;
  readonly seq: number;
  /** The server's time stamp, in ms since 1970 on the server's clock. */
  readonly stampMs: Ms;
  readonly operationId: string;
  readonly createdRevision: Revision | undefined;
  readonly ttlMs: Ms | undefined;
  readonly deleted: boolean;
  readonly fence: string | undefined;
  readonly value: Uint8Array;
}

/** What reading a message came to. */
export type RecordResult =
  | { readonly kind: "record"; readonly record: StoredRecord }
  | { readonly kind: "invalid"; readonly reason: string };

/** Facts of a record before it is stored. */
export interface NewRecord {
  readonly operationId: string;
  readonly createdRevision: Revision | undefined;
  readonly ttlMs: Ms | undefined;
  readonly deleted: boolean;
  readonly fence?: string;
}

const OPERATION_ID = /^[0-9A-Za-z_-]{1,64}$/;
const NUMBER = /^\d{1,16}$/;

/** Headers of a record. */
export function recordHeaders(record: NewRecord): [string, string][] {
  const headers: [string, string][] = [["Q-Op", record.operationId]];
  if (record.createdRevision !== undefined) {
    headers.push(["Q-Created", String(record.createdRevision)]);
  }
  if (record.ttlMs !== undefined) headers.push(["Q-Ttl", String(record.ttlMs)]);
  if (record.deleted) headers.push(["Q-Deleted", "1"]);
  if (record.fence !== undefined) headers.push(["Q-Fence", record.fence]);
  return headers;
}

/** Reads the answer of STREAM.MSG.GET. */
export function readStored(body: JsonObject): RecordResult {
  const message = asObject(body["message"]);
  const subject = asString(message?.["subject"]);
  const seq = asNumber(message?.["seq"]);
  const timeUs = parseTimeUs(asString(message?.["time"]) ?? "");
  if (subject === undefined || seq === undefined || timeUs === undefined) {
    return { kind: "invalid", reason: "the server's answer lacks subject, seq or time" };
  }
  const block = Buffer.from(asString(message?.["hdrs"]) ?? "", "base64").toString("latin1");
  const headers = parseHeaderBlock(block);
  const value = Buffer.from(asString(message?.["data"]) ?? "", "base64");
  const get = (name: string): string | undefined => headers.get(name);
  return readRecord(get, { subject, seq, stampMs: timeUs / 1_000, value });
}

/** Reads a message by its headers and what is known beside them. */
export function readRecord(
  header: (name: string) => string | undefined,
  facts: Pick<StoredRecord, "subject" | "seq" | "stampMs" | "value">,
): RecordResult {
  const operationId = header("Q-Op");
  if (operationId === undefined || !OPERATION_ID.test(operationId)) {
    return { kind: "invalid", reason: "it has no operation id" };
  }
  const createdRevision = readNumber(header("Q-Created"));
  const ttlMs = readNumber(header("Q-Ttl"));
  if (createdRevision === null || ttlMs === null) {
    return { kind: "invalid", reason: "a number in its headers is damaged" };
  }
  const deleted = header("Q-Deleted") === "1";
  const fence = header("Q-Fence") || undefined;
  const record = { ...facts, operationId, createdRevision, ttlMs, deleted, fence };
  return { kind: "record", record };
}

/** When the record ends on the server's clock; `Infinity`: never. */
export function endsAtMs(record: StoredRecord): Ms {
  if (record.deleted) return -Infinity;
  return record.ttlMs === undefined ? Infinity : record.stampMs + record.ttlMs;
}

/** The entry that a living record is. */
export function entryOf(
  record: StoredRecord,
  facts: { readonly key: string; readonly revision: Revision; readonly serverMs: Ms },
): Entry {
  const leftMs = endsAtMs(record) - facts.serverMs;
  return {
    key: facts.key,
    value: record.value,
    revision: facts.revision,
    createdRevision: record.createdRevision ?? facts.revision,
    operationId: record.operationId,
    ...(leftMs === Infinity ? {} : { expiresInMs: Math.max(0, leftMs) }),
  };
}

/** `null`: there, but not a number that we write. */
function readNumber(text: string | undefined): number | null | undefined {
  if (text === undefined || text === "") return undefined;
  const value = NUMBER.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
