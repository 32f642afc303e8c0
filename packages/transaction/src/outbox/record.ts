/**
 * The record of an aggregate: its state and its outbox, in one value under one key.
 *
 * Two lines: a header of JSON with the messages, and the state as its owner wrote it. A relay
 * rewrites the first and never touches the second.
 *
 *     {"v":1,"recent":["op1",…],"outbox":[{…},…],"dead":[{…},…]}
 *     {"status":"placed"}
 *
 * `recent` has the operation ids of the last updates. A writer that never heard an answer finds its
 * own there, or that of the write that it built upon, and knows whether it was applied, whoever
 * wrote since. The second line is empty where the state was removed and messages still wait.
 *
 * What lies in the store is foreign: every field is checked, and bounds come before parsing.
 */
import { type Json, parseJson } from "@quorate/core";

import type { DeadLetter, StoredMessage } from "./message.ts";

/** A record, taken apart. */
export interface OutboxRecord {
  /** Operation ids of the last updates, newest first. */
  readonly recent: readonly string[];
  /** In the order of their delivery. */
  readonly outbox: readonly StoredMessage[];
  readonly dead: readonly DeadLetter[];
  /** JSON; empty: no state. */
  readonly stateText: string;
}

/** The record that is not there. */
export const NO_RECORD: OutboxRecord = { recent: [], outbox: [], dead: [], stateText: "" };

/** Updates remembered. */
export const MAX_RECENT = 8;

const MAX_RECORD_BYTES = 8_388_608;
const MAX_STORED_MESSAGES = 10_000;
const BOUNDS = { maxBytes: MAX_RECORD_BYTES, maxDepth: 32, maxNodes: 1_000_000 } as const;

/** The record as text. */
export function encodeRecord({ recent, outbox, dead, stateText }: OutboxRecord): string {
  return `${JSON.stringify({ v: 1, recent, outbox, dead })}\n${stateText}`;
}

/** The record, or why it is not one of ours. */
export function decodeRecord(
  value: Uint8Array,
):
  | { readonly ok: true; readonly record: OutboxRecord }
  | { readonly ok: false; readonly reason: string } {
  if (value.byteLength > MAX_RECORD_BYTES) return refused(`${value.byteLength} bytes`);
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  const end = text.indexOf("\n");
  if (end === -1) return refused("no second line");
  const parsed = parseJson(text.slice(0, end), BOUNDS);
  if (!parsed.ok) return refused(parsed.reason);
  const header = fieldsOf(parsed.value);
  if (header?.["v"] !== 1) return refused("not a header of version 1");
  const { recent, outbox, dead } = header;
  if (!isList(recent) || !recent.every(isText)) return refused("recent is not a list of ids");
  if (!isList(outbox) || !outbox.every(isStored)) return refused("a message is not one");
  if (!isList(dead) || !dead.every(isDead)) return refused("a dead letter is not one");
  const ids = new Set([...outbox, ...dead].map((one) => fieldsOf(one)?.["id"]));
  if (ids.size !== outbox.length + dead.length) return refused("two messages have one id");
  return {
    ok: true,
    record: {
      recent: recent.slice(0, MAX_RECENT),
      outbox: outbox as unknown as StoredMessage[],
      dead: dead as unknown as DeadLetter[],
      stateText: text.slice(end + 1),
    },
  };
}

/** The state behind its text, or why it is none. */
export function decodeState(
  stateText: string,
):
  | { readonly ok: true; readonly state: Json | undefined }
  | { readonly ok: false; readonly reason: string } {
  if (stateText === "") return { ok: true, state: undefined };
  const parsed = parseJson(stateText, BOUNDS);
  return parsed.ok ? { ok: true, state: parsed.value } : refused(`state: ${parsed.reason}`);
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

function fieldsOf(value: Json | undefined): { readonly [name: string]: Json } | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as { readonly [name: string]: Json }) : undefined;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value) && value.length <= MAX_STORED_MESSAGES;
}

function isText(value: Json | undefined): value is string {
  return typeof value === "string" && value !== "" && value.length <= 512;
}

function isCount(value: Json | undefined): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isStored(value: Json): boolean {
  const fields = fieldsOf(value);
  if (fields === undefined || !("payload" in fields)) return false;
  const { id, topic, key, atMs, attempts } = fields;
  return (
    isText(id) && isText(topic) && isText(key) && typeof atMs === "number" && isCount(attempts)
  );
}

function isDead(value: Json): boolean {
  const fields = fieldsOf(value);
  return isStored(value) && typeof fields?.["problem"] === "string" && isCount(fields["deadAtMs"]);
}
