/**
 * Rumours: what is still worth telling.
 *
 * A process that has heard news tells it to a random peer each round. It loses interest when
 * `stopAfter` peers have said that they knew (feedback and a counter, in the paper's words), for
 * then most do; and at the latest after a number of rounds that grows with log n, for answers may
 * be lost. Of n processes that are told m times each a share of e^-m never hears of it: 20 % with
 * `stopAfter` 1, 0.6 % with 4, at 5 messages a process. Anti-entropy is there for them.
 *
 * Guarantees: bounded (`MAX_HOT`), and every rumour dies.
 * Does not guarantee: that everybody hears of it. That is what `Ledger` and digests are for.
 *
 * Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", PODC 1987, §1.4.
 */
import { bytesOf, type FactEntry, textBytes } from "./ledger.ts";

/** A write and whose it is. */
export interface Rumour {
  readonly owner: string;
  readonly life: number;
  readonly entry: FactEntry;
}

/** Which write somebody knew already. */
export interface RumourRef {
  readonly owner: string;
  readonly key: string;
  readonly version: number;
}

/** Most rumours that one process spreads at a time; beyond, the most told one is dropped. */
export const MAX_HOT = 1_024;

interface Hot extends Rumour {
  readonly bytes: number;
  rounds: number;
  knew: number;
}

/** Bytes of a rumour in a packet besides its entry: a life, quotes, brackets. */
const FRAME_BYTES = 28;

/** The rumours that one process spreads. */
export class Rumours {
  readonly #stopAfter: number;
  readonly #hot = new Map<string, Hot>();

  constructor(stopAfter: number) {
    this.#stopAfter = stopAfter;
  }

  /** How many are being told. */
  get size(): number {
    return this.#hot.size;
  }

  /** News: takes the place of an older write of the same key. */
  add(rumour: Rumour): void {
    const place = placeOf(rumour.owner, rumour.entry.key);
    if (this.#hot.size >= MAX_HOT && !this.#hot.has(place)) this.#dropStalest();
    const { owner, life, entry } = rumour;
    const bytes = bytesOf(entry) + textBytes(owner) + FRAME_BYTES;
    this.#hot.set(place, { owner, life, entry, bytes, rounds: 0, knew: 0 });
  }

  /** Those for one packet of `maxBytes`, the least told first, without `except`. */
  take(maxBytes: number, except: readonly Rumour[] = []): readonly Rumour[] {
    const not = new Set(except.map(({ owner, entry }) => placeOf(owner, entry.key)));
    const taken: Rumour[] = [];
    let left = maxBytes;
    for (const hot of this.#leastToldFirst()) {
      if (hot.bytes > left || not.has(placeOf(hot.owner, hot.entry.key))) continue;
      left -= hot.bytes;
      taken.push(hot);
    }
    return taken;
  }

  /** They were told once more; after `maxRounds` of it they are told no longer. */
  told(rumours: readonly Rumour[], maxRounds: number): void {
    for (const { owner, entry } of rumours) {
      const place = placeOf(owner, entry.key);
      const hot = this.#hot.get(place);
      if (hot === undefined) continue;
      hot.rounds += 1;
      if (hot.rounds >= maxRounds) this.#hot.delete(place);
    }
  }

  /** A peer knew it already. */
  knew({ owner, key, version }: RumourRef): void {
    const place = placeOf(owner, key);
    const hot = this.#hot.get(place);
    if (hot === undefined || hot.entry.version > version) return;
    hot.knew += 1;
    if (hot.knew >= this.#stopAfter) this.#hot.delete(place);
  }

  #leastToldFirst(): readonly Hot[] {
    const all = [...this.#hot.values()];
    return all.length < 2 ? all : all.sort((left, right) => left.rounds - right.rounds);
  }

  #dropStalest(): void {
    const stalest = this.#leastToldFirst().at(-1);
    if (stalest !== undefined) this.#hot.delete(placeOf(stalest.owner, stalest.entry.key));
  }
}

/** Most rounds for which `peers` processes are told one rumour, `fanout` of them a round. */
export function maxRoundsOf(peers: number): number {
  return 4 * Math.ceil(Math.log2(peers + 2));
}

// A key may have any characters but an owner has no `/`: the first one is between the two.
function placeOf(owner: string, key: string): string {
  return `${owner}/${key}`;
}
