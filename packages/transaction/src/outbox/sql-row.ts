/**
 * A row of the outbox's table as a message. The database is foreign, too: a payload that somebody
 * wrote by hand may be anything.
 */
import { parseJson } from "@quorate/core";

import { PAYLOAD_SHAPE, type StoredMessage } from "./message.ts";

/** A row of `fetch`. */
export interface OutboxRow {
  readonly id: string;
  readonly key: string;
  readonly topic: string;
  readonly payload: string;
  readonly attempts: number;
  readonly at_ms: number;
}

/** The message of a row, or why its payload cannot be read. */
export function readRow(
  row: OutboxRow,
):
  | { readonly ok: true; readonly value: StoredMessage }
  | { readonly ok: false; readonly reason: string } {
  const { id, key, topic, attempts, at_ms: atMs } = row;
  const payload = parseJson(row.payload, { ...PAYLOAD_SHAPE, maxBytes: 8_388_608 });
  if (!payload.ok) return payload;
  return { ok: true, value: { id, key, topic, payload: payload.value, atMs, attempts } };
}
