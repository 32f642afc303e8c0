/**
 * A ledger: the facts of one owner, as one process knows them.
 *
 * Only the owner writes, and numbers its writes 1, 2, 3, …; so one number says how much of an
 * owner a process knows (`through`), whatever the number of keys. What one process tells another
 * is a statement about an interval: *of this owner's versions after `after` and up to `through`,
 * exactly these stand*. Whatever else the hearer has of that interval was overwritten or removed.
 *
 * A removal is a write without a value, a tombstone. It may be thrown away at any time: from then
 * on whoever knows less than it (`floor`) is told the whole interval from 0, and drops by itself
 * what was removed. So nothing rises from the dead, however early tombstones are collected.
 *
 * Guarantees: a version that is dead here never comes back; `through` never falls in one life.
 * Does not guarantee: that what is ahead of `through` (learnt as a rumour) has no gaps below it.
 *
 * After van Renesse, Dumitriu, Gough, Thomas, "Efficient Reconciliation and Flow Control for
 * Anti-Entropy Protocols" (Scuttlebutt), LADIS 2008; intervals and floor are ours.
 */
import type { Ms } from "@quorate/core";

/** One write of an owner. */
export interface FactEntry {
  readonly key: string;
  /** Its number among the owner's writes of this life. */
  readonly version: number;
  /** `undefined`: the key was removed. */
  readonly value: string | undefined;
}

/** How much of an owner a process knows. */
export interface OwnerVersion {
  readonly owner: string;
  /** Which life of the owner: greater after each restart. */
  readonly life: number;
  /** All writes up to this one are known; 0: none. */
  readonly version: number;
}

/** What stands of an owner's versions in (`after`, `through`], and what is known beyond. */
export interface OwnerDelta {
  readonly owner: string;
  readonly life: number;
  readonly after: number;
  readonly through: number;
  /** Up to this version tombstones are missing: the hearer must not pretend to have them. */
  readonly floor: number;
  readonly entries: readonly FactEntry[];
}

/** How much one owner may say. */
export interface LedgerBounds {
  /** Most keys, removed ones included for a while. */
  readonly maxKeys: number;
  /** Most bytes of all its facts together, as they travel. */
  readonly maxOwnerBytes: number;
}

interface Held extends FactEntry {
  readonly bytes: number;
  readonly sinceMs: Ms;
}

/** Facts of one owner in one life. */
export class Ledger {
  readonly owner: string;
  readonly life: number;
  readonly #bounds: LedgerBounds;
  readonly #entries = new Map<string, Held>();
  #bytes = 0;
  #through = 0;
  #floor = 0;
  /** Greatest version held; above `#through` there may be gaps below it. */
  #highest = 0;

  constructor(owner: string, life: number, bounds: LedgerBounds) {
    this.owner = owner;
    this.life = life;
    this.#bounds = bounds;
  }

  /** All writes up to this one are known. */
  get through(): number {
    return this.#through;
  }

  /** Greatest version that anybody has told of. */
  get highest(): number {
    return this.#highest;
  }

  /** How much is known, as a digest says it. */
  get known(): OwnerVersion {
    return { owner: this.owner, life: this.life, version: this.#through };
  }

  /** One key; `undefined`: never heard of, or removed and forgotten. */
  get(key: string): FactEntry | undefined {
    return this.#entries.get(key);
  }

  /** All that is held, tombstones included. */
  entries(): IterableIterator<FactEntry> {
    return this.#entries.values();
  }

  /** The owner's own next write. `undefined`: it does not fit. */
  write(key: string, value: string | undefined, nowMs: Ms): FactEntry | undefined {
    const entry: FactEntry = { key, version: this.#through + 1, value };
    if (!this.#makeRoom(entry)) return undefined;
    this.#put(entry, nowMs);
    this.#through = entry.version;
    return entry;
  }

  /**
   * A single write, heard as a rumour. `"new"`: it is news here; `"known"`: it, or one that
   * replaced it, is known already; `"full"`: it does not fit.
   */
  learn(entry: FactEntry, nowMs: Ms): "new" | "known" | "full" {
    // Up to `through` all is known: what is not held any more is dead.
    if (entry.version <= this.#through) return "known";
    if ((this.#entries.get(entry.key)?.version ?? 0) >= entry.version) return "known";
    if (!this.#makeRoom(entry)) return "full";
    this.#put(entry, nowMs);
    this.#close(entry.version);
    return "new";
  }

  /** What to tell somebody who knows all up to `version`. */
  deltaAfter(version: number): OwnerDelta {
    // Below the floor tombstones are missing: only the whole says what is gone.
    const after = version < this.#floor ? 0 : version;
    const entries = [...this.#entries.values()].filter((entry) => entry.version > after);
    entries.sort((left, right) => left.version - right.version);
    const { owner, life } = this;
    const plain = entries.map(({ key, version: own, value }) => ({ key, version: own, value }));
    return { owner, life, after, through: this.#through, floor: this.#floor, entries: plain };
  }

  /** Takes in a statement about an interval. Answers the keys that are another now. */
  apply(delta: OwnerDelta, nowMs: Ms): { readonly changed: readonly string[]; full: boolean } {
    const changed = new Set<string>();
    const before = this.#through;
    // With a gap between what is known and what is told, its entries are rumours, no more.
    const isSeamless = delta.after <= before;
    if (isSeamless) this.#bury(delta, changed);
    let full = false;
    for (const entry of delta.entries) {
      if (entry.version <= before) continue;
      const held = this.#entries.get(entry.key);
      if (held !== undefined && held.version >= entry.version) continue;
      if (!this.#makeRoom(entry)) {
        full = true;
        continue;
      }
      this.#put(entry, nowMs);
      changed.add(entry.key);
    }
    // What did not fit is not known: it is asked for again when there is room.
    if (isSeamless && !full) {
      this.#through = Math.max(before, delta.through);
      this.#highest = Math.max(this.#highest, this.#through);
      if (delta.after === 0) this.#floor = Math.max(this.#floor, delta.floor);
      this.#close(this.#through + 1);
    }
    return { changed: [...changed], full };
  }

  /** Throws tombstones away that are known for `tombstoneMs`. */
  collect(nowMs: Ms, tombstoneMs: Ms): void {
    for (const held of this.#entries.values()) {
      if (held.value === undefined && nowMs - held.sinceMs >= tombstoneMs) this.#bin(held);
    }
  }

  /** Drops what the interval says is dead. */
  #bury({ after, through, entries }: OwnerDelta, changed: Set<string>): void {
    const standing = new Map(entries.map(({ key, version }) => [key, version]));
    for (const held of this.#entries.values()) {
      if (held.version <= after || held.version > through) continue;
      if (standing.get(held.key) === held.version) continue;
      this.#drop(held);
      if (held.value !== undefined) changed.add(held.key);
    }
  }

  /** With `version` there may be no gap any more below what was heard ahead. */
  #close(version: number): void {
    if (version !== this.#through + 1 || this.#highest < version) return;
    const ahead = [...this.#entries.values()].map((held) => held.version).sort((a, b) => a - b);
    for (const own of ahead) if (own === this.#through + 1) this.#through = own;
  }

  /** Makes room by throwing tombstones away, oldest first. */
  #makeRoom(entry: FactEntry): boolean {
    const { maxKeys, maxOwnerBytes } = this.#bounds;
    const held = this.#entries.get(entry.key);
    const fits = (): boolean =>
      this.#entries.size + (held === undefined ? 1 : 0) <= maxKeys &&
      this.#bytes - (held?.bytes ?? 0) + bytesOf(entry) <= maxOwnerBytes;
    if (fits()) return true;
    for (const other of this.#entries.values()) {
      if (other === held || other.value !== undefined) continue;
      this.#bin(other);
      if (fits()) return true;
    }
    return false;
  }

  /** Throws a tombstone away, if all before it is known; else the floor would hide a gap. */
  #bin(held: Held): void {
    if (held.version > this.#through) return;
    this.#drop(held);
    this.#floor = Math.max(this.#floor, held.version);
  }

  #put(entry: FactEntry, sinceMs: Ms): void {
    const before = this.#entries.get(entry.key);
    if (before !== undefined) this.#drop(before);
    const { key, version, value } = entry;
    const held: Held = { key, version, value, bytes: bytesOf(entry), sinceMs };
    this.#entries.set(key, held);
    this.#bytes += held.bytes;
    this.#highest = Math.max(this.#highest, version);
  }

  #drop(held: Held): void {
    this.#entries.delete(held.key);
    this.#bytes -= held.bytes;
  }
}

/** What an entry weighs in a packet. */
export function bytesOf({ key, version, value }: FactEntry): number {
  // Brackets, commas and a number besides the texts.
  return textBytes(key) + String(version).length + (value === undefined ? 4 : textBytes(value)) + 5;
}

/** What a text weighs in a packet: JSON writes some characters as several. */
export function textBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
