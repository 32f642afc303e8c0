/**
 * Cells: a value in a store, and beside it what a transaction means to make of it.
 *
 * The intent is the lock: nobody else prepares a cell that has one. Readers see the value until the
 * transaction is decided. Foreign input: parsed within bounds.
 */
import { type Entry, type Json, parseJson, QuorateError } from "@quorate/core";

/** What a transaction will have written, if it commits. */
export interface Intent {
  /** The branch, by its name. */
  readonly branch: string;
  /** `null`: removed. */
  readonly next: string | null;
}

/** One key's value. */
export interface Cell {
  /** `null`: there is none. */
  readonly value: string | null;
  readonly intent?: Intent;
}

const VERSION = 1;
const NOTHING: Cell = { value: null };

/** The cell as text; `undefined`: there is nothing to keep. */
export function encodeCell({ value, intent }: Cell): string | undefined {
  if (value === null && intent === undefined) return undefined;
  return JSON.stringify({ v: VERSION, value, intent });
}

/** Reads an entry. @throws RECORD_INVALID */
export function decodeCell(entry: Entry | undefined): Cell {
  if (entry === undefined) return NOTHING;
  const parsed = parseJson(entry.value, { maxDepth: 3, maxNodes: 16, maxBytes: 4_194_304 });
  const cell = parsed.ok ? readCell(parsed.value) : undefined;
  if (cell !== undefined) return cell;
  const details = { key: entry.key, reason: "it is no cell" };
  const message = `${entry.key} was left as it is: ${details.reason}`;
  throw new QuorateError("RECORD_INVALID", message, { effect: "none", details });
}

function readCell(json: Json): Cell | undefined {
  const fields = fieldsOf(json);
  if (fields === undefined || fields["v"] !== VERSION) return undefined;
  const { value, intent } = fields;
  if (!isValue(value)) return undefined;
  if (intent === undefined) return { value };
  const { branch, next } = fieldsOf(intent) ?? {};
  if (typeof branch !== "string" || !isValue(next)) return undefined;
  return { value, intent: { branch, next } };
}

function fieldsOf(json: Json): Readonly<Record<string, Json | undefined>> | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  return json as Readonly<Record<string, Json | undefined>>;
}

function isValue(json: Json | undefined): json is string | null {
  return json === null || typeof json === "string";
}
