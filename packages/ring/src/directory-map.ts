/**
 * Directory partitioning: a table that names the owner of some keys, and a rule for the others.
 *
 * The big tenant on machines of its own, the shard that is being moved, the key that must not be
 * where its hash puts it: exceptions, written down, before a placement that knows none. Without a
 * fallback the table is all there is, and a key that is not in it has no owner.
 *
 * Guarantees: an entry wins over the fallback; the fingerprint covers both. Does not guarantee:
 * that the nodes of the entries exist; a directory does not know what nodes there are. A change
 * copies the table: meant for thousands of entries, which `maxEntries` makes sure of.
 */
import {
  boundedString,
  compareNames,
  invalidArgument,
  knownOptions,
  positiveInteger,
} from "@quorate/core";
import { fingerprintOf } from "./fingerprint.ts";
import { checkMapKey, tooLarge } from "./map-keys.ts";
import type { Move } from "./moves.ts";
import { checkKey, MAX_NODE_ID_BYTES } from "./nodes.ts";
import type { Owners } from "./placement.ts";

const DEFAULT_MAX_ENTRIES = 65_536;

/** Options of `DirectoryMap.of`. */
export interface DirectoryMapOptions {
  /** Who owns the keys that have no entry: a placement, a range map, another directory. */
  readonly fallback?: Owners;
  /** Most entries, of this directory and of all that are made from it. @default 65536 */
  readonly maxEntries?: number;
}

/**
 * An immutable table from keys to nodes.
 *
 * @example
 * const directory = DirectoryMap.of([["tenant/huge", "c"]], { fallback: HashRing.of(["a", "b"]) });
 * directory.owner("tenant/huge"); // => "c"
 * directory.owner("tenant/small"); // => "a" or "b"
 */
export class DirectoryMap implements Owners {
  /** Who owns the keys that have no entry. */
  readonly fallback: Owners | undefined;
  readonly #entries: ReadonlyMap<string, string>;
  readonly #maxEntries: number;
  #fingerprint: string | undefined;

  private constructor(
    entries: ReadonlyMap<string, string>,
    fallback: Owners | undefined,
    maxEntries: number,
  ) {
    if (entries.size > maxEntries) throw tooLarge("entries", entries.size, maxEntries);
    this.#entries = entries;
    this.fallback = fallback;
    this.#maxEntries = maxEntries;
  }

  /** These entries, a `Map` or pairs in any order. A key that is there twice is refused. */
  static of(
    entries: Iterable<readonly [key: string, node: string]>,
    options: DirectoryMapOptions = {},
  ): DirectoryMap {
    const names = ["fallback", "maxEntries"] as const;
    const { fallback, maxEntries = DEFAULT_MAX_ENTRIES } = knownOptions("options", options, names);
    positiveInteger("maxEntries", maxEntries);
    return new DirectoryMap(checkEntries(entries, maxEntries), checkFallback(fallback), maxEntries);
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** 32 hex digits, equal for the same entries and fallback in every process. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf(
      "directory/1",
      [...this.entries().flat(), this.fallback?.fingerprint ?? ""],
      [],
    ));
  }

  /** The node of the entry for `key`, or else whom the fallback names; `undefined` if nobody. */
  owner(key: string): string | undefined {
    return this.entry(key) ?? this.fallback?.owner(key);
  }

  /** The node of the entry for `key`; `undefined` if it has none. */
  entry(key: string): string | undefined {
    return this.#entries.get(checkKey(key).toWellFormed());
  }

  /** All entries, in the order of their keys' bytes. */
  entries(): readonly (readonly [key: string, node: string])[] {
    return [...this.#entries].sort(([left], [right]) => compareNames(left, right));
  }

  /** With an entry that gives `key` to `node`, instead of the one it had. */
  with(key: string, node: string): DirectoryMap {
    checkEntry(key, node);
    if (this.#entries.get(key) === node) return this;
    return this.#become(new Map(this.#entries).set(key, node));
  }

  /** Without the entry for `key`, which then goes where the fallback says. */
  without(key: string): DirectoryMap {
    if (this.entry(key) === undefined) return this;
    const entries = new Map(this.#entries);
    entries.delete(key.toWellFormed());
    return this.#become(entries);
  }

  /** With the same entries before another fallback. */
  withFallback(fallback: Owners | undefined): DirectoryMap {
    return new DirectoryMap(this.#entries, checkFallback(fallback), this.#maxEntries);
  }

  /**
   * Which of the keys with an entry, here or in `next`, change their owner; in the order of keys.
   *
   * What moves of the other keys depends on the fallbacks alone: ask those, `fallback.moved(…)`,
   * and leave out the keys that have an entry in both directories.
   */
  moved(next: DirectoryMap): readonly Move<string>[] {
    if (!(next instanceof DirectoryMap)) throw invalidArgument("next", next, "a DirectoryMap");
    const keys = new Set([...this.#entries.keys(), ...next.#entries.keys()]);
    const moves: Move<string>[] = [];
    for (const range of [...keys].sort(compareNames)) {
      const from = this.owner(range);
      const to = next.owner(range);
      if (from !== to) moves.push({ from, to, range, share: undefined });
    }
    return moves;
  }

  #become(entries: ReadonlyMap<string, string>): DirectoryMap {
    return new DirectoryMap(entries, this.fallback, this.#maxEntries);
  }
}

function checkEntries(
  entries: Iterable<readonly [string, string]>,
  maxEntries: number,
): ReadonlyMap<string, string> {
  if (typeof entries !== "object" || entries === null || !(Symbol.iterator in entries)) {
    throw invalidArgument("entries", entries, "a Map or a list of pairs");
  }
  const checked = new Map<string, string>();
  for (const entry of entries) {
    if (!Array.isArray(entry)) throw invalidArgument("entry", entry, "a pair of key and node");
    const [key, node] = entry as readonly [string, string];
    checkEntry(key, node);
    if (checked.has(key)) throw invalidArgument("entry.key", key, "named once");
    if (checked.size === maxEntries) throw tooLarge("entries", maxEntries + 1, maxEntries);
    checked.set(key, node);
  }
  return checked;
}

function checkEntry(key: string, node: string): void {
  checkMapKey("entry.key", key);
  boundedString("entry.node", node, MAX_NODE_ID_BYTES);
}

function checkFallback(fallback: Owners | undefined): Owners | undefined {
  if (fallback === undefined || typeof fallback?.owner === "function") return fallback;
  throw invalidArgument("fallback", fallback, "a placement, a range map or a directory");
}
