/**
 * Facts: the ledgers of all owners, as one process knows them.
 *
 * Facts are kept of those who are peers, of oneself, and of nobody else: an owner that is no peer
 * any more is forgotten after `keepMs`, and whoever still tells of it then is not believed. So the
 * memory is bounded by the size of the group, whatever arrives.
 *
 * A newer life of an owner begins with nothing and replaces the older one's facts; what an older
 * life said is never believed again.
 *
 * Guarantees: bounded; newest life wins, in it the newest version of each key.
 * Does not guarantee: that an owner is who it says. Whoever may send may forge.
 */
import type { Ms } from "@quorate/core";
import { type FactEntry, Ledger, type LedgerBounds, type OwnerDelta } from "./ledger.ts";
import type { OwnerVersion } from "./ledger.ts";
import { Peers } from "./peers.ts";
import type { Rumour } from "./rumours.ts";

/** A small fact that an owner says of itself. */
export interface Fact {
  /** Whose it is: only this process may change it. */
  readonly owner: string;
  readonly key: string;
  /** Foreign input. */
  readonly value: string;
  /** Which life of the owner said it. */
  readonly life: number;
  /** Its number among the writes of that life. */
  readonly version: number;
}

/** A fact that is another one now, or gone. */
export type FactChange =
  | { readonly kind: "set"; readonly fact: Fact }
  | { readonly kind: "removed"; readonly owner: string; readonly key: string };

/** What hearing something came to. */
export interface Heard {
  readonly changes: readonly FactChange[];
  /** Entries refused: of a stranger, or over a bound. */
  readonly refused: number;
}

/** How long things are remembered. */
export interface FactsOptions extends LedgerBounds {
  readonly self: string;
  readonly life: number;
  readonly tombstoneMs: Ms;
  readonly keepMs: Ms;
}

const NOTHING: Heard = { changes: [], refused: 0 };

/** All that a process knows. */
export class Facts {
  readonly #options: FactsOptions;
  readonly #ledgers = new Map<string, Ledger>();
  /** Since when an owner is no peer any more. */
  readonly #goneSince = new Map<string, Ms>();
  #peers: Peers = Peers.NONE;
  #own: Ledger;

  constructor(options: FactsOptions) {
    this.#options = options;
    this.#own = new Ledger(options.self, options.life, options);
    this.#ledgers.set(options.self, this.#own);
  }

  /** One's own. */
  get own(): Ledger {
    return this.#own;
  }

  /** Whose facts are kept. */
  get owners(): IterableIterator<string> {
    return this.#ledgers.keys();
  }

  /** The ledger of `owner`. */
  of(owner: string): Ledger | undefined {
    return this.#ledgers.get(owner);
  }

  /** One fact that stands. */
  get(owner: string, key: string): Fact | undefined {
    const ledger = this.#ledgers.get(owner);
    const entry = ledger?.get(key);
    return ledger === undefined || entry === undefined ? undefined : factOf(ledger, entry);
  }

  /** All facts that stand, by owner. */
  *[Symbol.iterator](): Iterator<Fact> {
    for (const ledger of this.#ledgers.values()) {
      for (const entry of ledger.entries()) {
        const fact = factOf(ledger, entry);
        if (fact !== undefined) yield fact;
      }
    }
  }

  /** Who the peers are, from now on. */
  group(peers: Peers, nowMs: Ms): void {
    this.#peers = peers;
    for (const owner of this.#ledgers.keys()) {
      if (owner === this.#options.self || peers.has(owner)) this.#goneSince.delete(owner);
      else if (!this.#goneSince.has(owner)) this.#goneSince.set(owner, nowMs);
    }
  }

  /** Forgets who is gone for long, and collects tombstones. */
  collect(nowMs: Ms): readonly FactChange[] {
    const changes: FactChange[] = [];
    for (const [owner, sinceMs] of this.#goneSince) {
      if (nowMs - sinceMs < this.#options.keepMs) continue;
      const ledger = this.#ledgers.get(owner);
      for (const key of ledger === undefined ? [] : standing(ledger)) {
        changes.push({ kind: "removed", owner, key });
      }
      this.#ledgers.delete(owner);
      this.#goneSince.delete(owner);
    }
    for (const ledger of this.#ledgers.values()) ledger.collect(nowMs, this.#options.tombstoneMs);
    return changes;
  }

  /** A rumour. `isNews`: worth telling on. */
  learn({ owner, life, entry }: Rumour, nowMs: Ms): Heard & { readonly isNews: boolean } {
    const met = this.#meet(owner, life);
    if (met === "stranger") return { changes: [], refused: 1, isNews: false };
    if (met === "stale") return { ...NOTHING, isNews: false };
    const { ledger, before } = met;
    const had = ledger.get(entry.key)?.value;
    const learnt = ledger.learn(entry, nowMs);
    const isNews = learnt === "new";
    const isAnother = isNews && (had !== undefined || entry.value !== undefined);
    const changes = this.#changes(ledger, before, isAnother ? [entry.key] : []);
    return { changes, refused: learnt === "full" ? 1 : 0, isNews };
  }

  /** What somebody says about an interval of an owner's writes. */
  apply(delta: OwnerDelta, nowMs: Ms): Heard {
    const met = this.#meet(delta.owner, delta.life);
    if (met === "stranger") return { changes: [], refused: 1 };
    if (met === "stale") return NOTHING;
    const { ledger, before } = met;
    const { changed, full } = ledger.apply(delta, nowMs);
    return { changes: this.#changes(ledger, before, changed), refused: full ? 1 : 0 };
  }

  /** What to tell somebody who knows this much; `undefined`: no more than that. */
  deltaFor({ owner, life, version }: OwnerVersion): OwnerDelta | undefined {
    const ledger = this.#ledgers.get(owner);
    if (ledger === undefined || ledger.life < life) return undefined;
    if (ledger.life > life) return ledger.deltaAfter(0);
    return ledger.through > version ? ledger.deltaAfter(version) : undefined;
  }

  /** Whether somebody who knows this much knows more; then what is known here. */
  lacks({ owner, life, version }: OwnerVersion): OwnerVersion | undefined {
    if (owner === this.#options.self) return undefined;
    const ledger = this.#ledgers.get(owner);
    if (ledger === undefined) return this.#accepts(owner) ? { owner, life, version: 0 } : undefined;
    if (ledger.life < life) return { owner, life, version: 0 };
    return ledger.life === life && ledger.through < version ? ledger.known : undefined;
  }

  /**
   * Begins a new life of one's own, in which all is said again: somebody knows facts of oneself
   * that one never said, mostly from before a restart with the clock set back.
   */
  reborn(life: number, nowMs: Ms): readonly FactEntry[] {
    const said = [...this.#own.entries()].filter(({ value }) => value !== undefined);
    this.#own = new Ledger(this.#options.self, life, this.#options);
    this.#ledgers.set(this.#options.self, this.#own);
    return said.flatMap(({ key, value }) => this.#own.write(key, value, nowMs) ?? []);
  }

  #accepts(owner: string): boolean {
    return owner === this.#options.self || this.#peers.has(owner);
  }

  /** The ledger of that life, a new one if it is a newer life; `before`: keys of the older. */
  #meet(
    owner: string,
    life: number,
  ): "stranger" | "stale" | { readonly ledger: Ledger; readonly before: readonly string[] } {
    // One's own facts are nobody else's to tell.
    if (owner === this.#options.self) return "stale";
    const known = this.#ledgers.get(owner);
    if (known === undefined && !this.#accepts(owner)) return "stranger";
    if (known !== undefined && life < known.life) return "stale";
    if (known?.life === life) return { ledger: known, before: [] };
    const ledger = new Ledger(owner, life, this.#options);
    this.#ledgers.set(owner, ledger);
    return { ledger, before: known === undefined ? [] : standing(known) };
  }

  #changes(
    ledger: Ledger,
    before: readonly string[],
    changed: readonly string[],
  ): readonly FactChange[] {
    if (before.length === 0 && changed.length === 0) return [];
    return [...new Set([...before, ...changed])].map((key) => {
      const entry = ledger.get(key);
      const fact = entry === undefined ? undefined : factOf(ledger, entry);
      if (fact !== undefined) return { kind: "set", fact };
      return { kind: "removed", owner: ledger.owner, key };
    });
  }
}

function factOf({ owner, life }: Ledger, entry: FactEntry): Fact | undefined {
  const { key, value, version } = entry;
  return value === undefined ? undefined : { owner, key, value, life, version };
}

function standing(ledger: Ledger): readonly string[] {
  return [...ledger.entries()].filter(({ value }) => value !== undefined).map(({ key }) => key);
}
