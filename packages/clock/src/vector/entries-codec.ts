/**
 * Entries on their way in and out: from counts by hand, to and from JSON, to and from text.
 *
 * What comes in may have been made by anybody. It is bounded before it is taken apart, ids and
 * counts pass the same checks as local ones, and only what the encoder itself makes is accepted:
 * ascending ids without duplicates, counts of at least 1, one way to write each. So equal clocks
 * have equal encodings, and bytes can be compared, hashed and signed in place of clocks.
 *
 * The text is `id:count:id:count…`, the id escaped as in a URL: printable ASCII that may stand in a
 * header, a cookie or a query as it is. No id makes `0`, since an empty text is more often a header
 * that somebody forgot than a clock that knows nothing.
 */
import { inRange, invalidArgument, knownOptions, positiveInteger } from "@quorate/core";
import type { QuorateError } from "@quorate/core";

import { checkNodeId, compareNodeIds, MAX_NODE_ID_BYTES, type NodeId } from "../node-id.ts";
import { DEFAULT_MAX_ENTRIES, entries, type Entries, MOST_ENTRIES, tooMany } from "./entries.ts";
import { countsOfRoster, interned, PLAIN_ID, recentRoster } from "./recent-roster.ts";

/** Counts by id, written by hand: an object, a Map or pairs. */
export type EntriesSource =
  | Iterable<readonly [id: NodeId, count: number]>
  | { readonly [id: NodeId]: number };

/** `[["a", 3], ["b", 1]]`: ascending by id, counts of at least 1. */
export type EntriesJson = (readonly [id: NodeId, count: number])[];

/** The bound of a clock or vector. */
export interface BoundOptions {
  /** Most entries, from 1 to 65536; what is made of the value inherits it. @default 256 */
  readonly maxEntries?: number;
}

const NONE = "0";
/** An id is at longest three characters per byte (`%C3`), a count 16 digits, and two colons. */
const LONGEST_ENTRY = 3 * MAX_NODE_ID_BYTES + 18;
const COUNT = /^[1-9]\d{0,15}$/;

/** Entries of counts that the caller wrote: any order, and zeros are left out. */
export function entriesOf(source: EntriesSource, options: BoundOptions): Entries {
  const maxEntries = boundOf(options);
  const counts = new Map<NodeId, number>();
  let size = 0;
  for (const pair of pairsIn(source)) {
    if (!Array.isArray(pair)) throw invalidArgument("counts", pair, "made of [id, count]");
    const [id, count] = pair as readonly [NodeId, number];
    if (counts.has(checkNodeId("id", id))) throw invalidArgument("id", id, "an id that comes once");
    if (!Number.isSafeInteger(count) || count < 0) {
      throw invalidArgument("count", count, "a safe integer >= 0");
    }
    counts.set(id, count);
    if (count > 0) size += 1;
    if (size > maxEntries) throw tooMany(size, maxEntries);
  }
  const ids = [...counts.keys()].filter((id) => counts.get(id) !== 0).sort(compareNodeIds);
  return entries(
    ids,
    ids.map((id) => counts.get(id) as number),
    maxEntries,
  );
}

/** Ids and counts, ascending. */
export function* pairsOf({ ids, counts }: Entries): IterableIterator<[NodeId, number]> {
  for (let index = 0; index < ids.length; index++) {
    yield [ids[index] as NodeId, counts[index] as number];
  }
}

/** Pairs, ascending. */
export function entriesToJson(all: Entries): EntriesJson {
  return [...pairsOf(all)];
}

/** Entries of what somebody's `entriesToJson` made; `value` may be anything. */
export function entriesFromJson(value: unknown, options: BoundOptions): Entries {
  const maxEntries = boundOf(options);
  if (!Array.isArray(value)) throw invalidArgument("json", value, "an array of [id, count]");
  if (value.length > maxEntries) throw tooMany(value.length, maxEntries);
  const pairs: [NodeId, number][] = [];
  for (const item of value as unknown[]) {
    if (!Array.isArray(item) || item.length !== 2) {
      throw invalidArgument("json", item, "an array of [id, count]");
    }
    const [id, count] = item as [NodeId, number];
    pairs.push([checkNodeId("id", id), checkCount(count)]);
  }
  return decoded("json", pairs, maxEntries);
}

/** `a:3:b:1`; `0` without entries. */
export function encodeEntries({ ids, counts }: Entries): string {
  if (ids.length === 0) return NONE;
  let text = "";
  for (let index = 0; index < ids.length; index++) {
    const separator = index === 0 ? "" : ":";
    text += `${separator}${escaped(ids[index] as NodeId)}:${counts[index]}`;
  }
  return text;
}

/** Entries of what somebody's `encodeEntries` made. */
export function decodeEntries(text: string, options: BoundOptions): Entries {
  const maxEntries = boundOf(options);
  if (text === NONE) return entries([], [], maxEntries);
  if (typeof text !== "string" || text === "") throw malformed(text);
  const counts = countsOfRoster(text, recentRoster());
  if (counts !== undefined) return entries(recentRoster(), counts, maxEntries);
  // Before it is split: a bound on entries must also bound the work of finding too many.
  if (text.length > maxEntries * LONGEST_ENTRY) {
    throw tooMany(Math.ceil(text.length / LONGEST_ENTRY), maxEntries);
  }
  const parts = text.split(":", 2 * maxEntries + 1);
  if (parts.length > 2 * maxEntries) throw tooMany(maxEntries + 1, maxEntries);
  if (parts.length % 2 !== 0) throw malformed(text);
  const pairs: [NodeId, number][] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const id = unescaped(parts[index] as string);
    const count = parts[index + 1] as string;
    if (id === undefined || !COUNT.test(count)) throw malformed(text);
    pairs.push([checkNodeId("id", id), checkCount(Number(count))]);
  }
  return decoded("text", pairs, maxEntries);
}

/** The checked bound, or its default. */
export function boundOf(options: BoundOptions): number {
  const { maxEntries = DEFAULT_MAX_ENTRIES } = knownOptions("options", options, ["maxEntries"]);
  positiveInteger("maxEntries", maxEntries);
  return inRange("maxEntries", maxEntries, 1, MOST_ENTRIES);
}

function pairsIn(source: EntriesSource): Iterable<readonly [NodeId, number]> {
  if (typeof source !== "object" || source === null) {
    throw invalidArgument("counts", source, "an object or pairs of id and count");
  }
  return Symbol.iterator in source
    ? (source as Iterable<readonly [NodeId, number]>)
    : Object.entries(source);
}

/** Entries of pairs that came from outside, and that must ascend. */
function decoded(what: string, pairs: readonly [NodeId, number][], maxEntries: number): Entries {
  const ids: NodeId[] = [];
  const counts: number[] = [];
  for (const [id, count] of pairs) {
    const before = ids.at(-1);
    if (before !== undefined && before >= id) {
      throw invalidArgument(what, id, "made of ascending ids, each of them once");
    }
    ids.push(id);
    counts.push(count);
  }
  return entries(interned(ids), counts, maxEntries);
}

function checkCount(count: number): number {
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw invalidArgument("count", count, "a safe integer > 0");
}

function escaped(id: NodeId): string {
  return PLAIN_ID.test(id) ? id : encodeURIComponent(id);
}

/** The id, if `text` is the one way to write it. */
function unescaped(text: string): NodeId | undefined {
  if (PLAIN_ID.test(text)) return text;
  try {
    const id = decodeURIComponent(text);
    return encodeURIComponent(id) === text ? id : undefined;
  } catch {
    return undefined; // Broken escapes throw URIError; that is no news.
  }
}

function malformed(text: unknown): QuorateError<"INVALID_ARGUMENT"> {
  return invalidArgument("text", text, "'id:count:id:count…', or '0' for no entries");
}
