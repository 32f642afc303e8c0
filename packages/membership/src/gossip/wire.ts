/**
 * Gossip as bytes: JSON, versioned, bounded, and read as a stranger's.
 *
 * Every number, length and shape is judged before a machine sees a message; what does not fit is
 * dropped whole. Fields that are unknown are ignored, so that a later version may add some.
 */
import { type Json, parseJson } from "@quorate/core";
import type { FactEntry, OwnerDelta, OwnerVersion } from "./ledger.ts";
import { MAX_LIFE } from "./machine.ts";
import type { GossipMessage } from "./messages.ts";
import type { Rumour, RumourRef } from "./rumours.ts";

/** A message and who sent it. */
export interface Letter {
  readonly from: string;
  readonly message: GossipMessage;
}

/** What reading bytes came to. */
export type LetterResult =
  | { readonly ok: true; readonly letter: Letter }
  | { readonly ok: false; readonly reason: string };

const VERSION = 1;
const MAX_ID_BYTES = 128;
/** Longest key of a fact, in bytes of UTF-8. */
export const MAX_FACT_KEY_BYTES = 128;
/** Depth of the deepest message: delta, its owners, one, its entries, one. */
const MAX_DEPTH = 6;

/** Bytes of a letter. */
export function writeLetter({ from, message }: Letter): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ v: VERSION, from, ...bodyOf(message) }));
}

/** Reads a letter. Never throws: bad input is nobody's bug. */
export function readLetter(data: Uint8Array, maxBytes: number): LetterResult {
  const bounds = { maxBytes, maxDepth: MAX_DEPTH, maxNodes: maxBytes };
  const parsed = parseJson(data, bounds);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (!isRecord(value)) return { ok: false, reason: "not an object" };
  if (value["v"] !== VERSION) return { ok: false, reason: "of another version" };
  try {
    return { ok: true, letter: { from: idOf(value["from"]), message: messageOf(value) } };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: `malformed ${error.message}` };
    throw error;
  }
}

/** Kept inside this file: reading is a chain of small functions, any of which may give up. */
class Malformed extends Error {}

type JsonRecord = { readonly [key: string]: Json };

function bodyOf(message: GossipMessage): Record<string, unknown> {
  const { kind } = message;
  switch (kind) {
    case "rumours":
      return { kind, pull: message.pull, rumours: message.rumours.map(rumourRow) };
    case "knew": {
      const knew = message.knew.map(({ owner, key, version }) => [owner, key, version]);
      return { kind, knew, rumours: message.rumours.map(rumourRow) };
    }
    case "digest": {
      const { from: first, to, known } = message;
      return { kind, first, to, known: known.map(versionRow) };
    }
    case "delta": {
      const deltas = message.deltas.map((delta) => {
        const { owner, life, after, through, floor, entries } = delta;
        return [owner, life, after, through, floor, entries.map(entryRow)];
      });
      return { kind, deltas, wanted: message.wanted.map(versionRow) };
    }
  }
}

const rumourRow = ({ owner, life, entry }: Rumour): unknown[] => [owner, life, ...entryRow(entry)];
const entryRow = ({ key, version, value }: FactEntry): unknown[] => [key, version, value ?? null];
const versionRow = ({ owner, life, version }: OwnerVersion): unknown[] => [owner, life, version];

function messageOf(body: JsonRecord): GossipMessage {
  const { kind } = body;
  switch (typeof kind === "string" ? kind : "") {
    case "rumours":
      return { kind: "rumours", rumours: rumoursOf(body), pull: body["pull"] === true };
    case "knew":
      return { kind: "knew", knew: rowsOf(body["knew"], 3).map(refOf), rumours: rumoursOf(body) };
    case "digest": {
      const known = rowsOf(body["known"], 3).map(versionOf);
      return { kind: "digest", from: borderOf(body["first"]), to: borderOf(body["to"]), known };
    }
    case "delta": {
      const wanted = rowsOf(body["wanted"], 3).map(versionOf);
      return { kind: "delta", deltas: rowsOf(body["deltas"], 6).map(deltaOf), wanted };
    }
    default:
      throw new Malformed("kind");
  }
}

function rumoursOf(body: JsonRecord): readonly Rumour[] {
  return rowsOf(body["rumours"], 5).map(([owner, life, ...entry]) => {
    return { owner: idOf(owner), life: lifeOf(life), entry: entryOf(entry) };
  });
}

function deltaOf([owner, life, after, through, floor, rows]: readonly Json[]): OwnerDelta {
  const delta = {
    owner: idOf(owner),
    life: lifeOf(life),
    after: countOf(after),
    through: countOf(through),
    floor: countOf(floor),
    entries: rowsOf(rows, 3).map(entryOf),
  };
  if (delta.after > delta.through || delta.floor > delta.through) throw new Malformed("interval");
  if (delta.entries.some(({ version }) => version <= delta.after)) throw new Malformed("entry");
  const keys = new Set(delta.entries.map(({ key }) => key));
  if (keys.size < delta.entries.length) throw new Malformed("entries: a key twice");
  return delta;
}

function entryOf([key, version, value]: readonly Json[]): FactEntry {
  const number = countOf(version);
  if (number === 0) throw new Malformed("version");
  if (value !== null && (typeof value !== "string" || !value.isWellFormed())) {
    throw new Malformed("value");
  }
  return { key: textOf(key, MAX_FACT_KEY_BYTES), version: number, value: value ?? undefined };
}

function refOf([owner, key, version]: readonly Json[]): RumourRef {
  return {
    owner: idOf(owner),
    key: textOf(key, MAX_FACT_KEY_BYTES),
    version: countOf(version),
  };
}

function versionOf([owner, life, version]: readonly Json[]): OwnerVersion {
  return { owner: idOf(owner), life: lifeOf(life), version: countOf(version) };
}

function rowsOf(value: Json | undefined, width: number): readonly (readonly Json[])[] {
  if (!Array.isArray(value)) throw new Malformed("list");
  for (const row of value as readonly Json[]) {
    if (!Array.isArray(row) || row.length !== width) throw new Malformed("row");
  }
  return value as readonly (readonly Json[])[];
}

function borderOf(value: Json | undefined): string {
  return value === "" ? "" : idOf(value);
}

function idOf(value: Json | undefined): string {
  return textOf(value, MAX_ID_BYTES);
}

function textOf(value: Json | undefined, maxBytes: number): string {
  const whole = typeof value === "string" && value !== "" && value.isWellFormed();
  if (whole && Buffer.byteLength(value) <= maxBytes) return value;
  throw new Malformed("text");
}

function lifeOf(value: Json | undefined): number {
  const life = countOf(value);
  if (life <= MAX_LIFE) return life;
  throw new Malformed("life");
}

function countOf(value: Json | undefined): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Malformed("number");
}

function isRecord(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
