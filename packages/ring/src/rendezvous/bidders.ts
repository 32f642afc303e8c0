/**
 * The bids of rendezvous hashing, in flat arrays.
 *
 * A node is known by two hashes of its id: 64 bits, so that no two nodes of a fleet always bid the
 * same. One mixes with the key's hash, the other in the midst of the mixing.
 *
 * With equal weights the bid is the mixed hash itself; -w / ln(u) would rank alike. Else the
 * logarithm is rarely needed: -ln(u) > 1 - u, hence a bid is below w / (1 - u), and who cannot
 * even so pass the highest bid yet is passed over for a multiplication.
 */
import { murmur3 } from "../hash/murmur3.ts";
import type { PlacedNode } from "../placement.ts";
import { negativeLog } from "./negative-log.ts";

const OUTER_SEED = 0x2c1b3c6d;
const INNER_SEED = 0x297a2d39;
const TWO_32 = 2 ** 32;

/** From this many owners on, sorting all bids is cheaper than keeping the best in order. */
const SORT_FROM = 64;

/** The nodes as bidders, by their place in the list; all of weight above 0. */
export class Bidders {
  readonly #outer: Int32Array;
  readonly #inner: Int32Array;
  /** `undefined` when all are equal. */
  readonly #weights: Float64Array | undefined;
  /** Bids of the key that is being ranked: room that is used again, never a result. */
  readonly #bids: Float64Array;

  constructor(nodes: readonly PlacedNode[]) {
    this.#outer = Int32Array.from(nodes, ({ id }) => murmur3(id, OUTER_SEED));
    this.#inner = Int32Array.from(nodes, ({ id }) => murmur3(id, INNER_SEED));
    const even = nodes.every(({ weight }) => weight === nodes[0]?.weight);
    this.#weights = even ? undefined : Float64Array.from(nodes, ({ weight }) => weight);
    this.#bids = new Float64Array(nodes.length);
  }

  /** Who bids most for a key of this hash; the first among equals; -1 if there is nobody. */
  highest(hash: number): number {
    return this.#weights === undefined ? this.#luckiest(hash) : this.#heaviest(hash, this.#weights);
  }

  /** The first `count` by their bids, highest first, the first among equals first. */
  ranked(hash: number, count: number): number[] {
    const { length } = this.#outer;
    if (count === 0) return [];
    for (let index = 0; index < length; index++) this.#bids[index] = this.#bid(hash, index);
    return count < SORT_FROM ? this.#select(count) : this.#sort().slice(0, count);
  }

  #luckiest(hash: number): number {
    const outer = this.#outer;
    const inner = this.#inner;
    let winner = -1;
    let highest = -1;
    for (let index = 0; index < outer.length; index++) {
      const luck = mix(hash, outer[index] as number, inner[index] as number);
      if (luck <= highest) continue;
      highest = luck;
      winner = index;
    }
    return winner;
  }

  #heaviest(hash: number, weights: Float64Array): number {
    const outer = this.#outer;
    const inner = this.#inner;
    let winner = -1;
    let highest = 0;
    for (let index = 0; index < outer.length; index++) {
      const luck = mix(hash, outer[index] as number, inner[index] as number);
      const weight = weights[index] as number;
      // Most stop here. Multiplied out: weight / (1 - u) <= highest.
      if (weight * TWO_32 <= highest * (TWO_32 - 0.5 - luck)) continue;
      const bid = weight / negativeLog(luck);
      if (bid <= highest) continue;
      highest = bid;
      winner = index;
    }
    return winner;
  }

  #bid(hash: number, index: number): number {
    const luck = mix(hash, this.#outer[index] as number, this.#inner[index] as number);
    return this.#weights === undefined
      ? luck
      : (this.#weights[index] as number) / negativeLog(luck);
  }

  /** The best `count` kept in order while passing once over the bids. */
  #select(count: number): number[] {
    const bids = this.#bids;
    const best: number[] = [];
    for (let index = 0; index < bids.length; index++) {
      const bid = bids[index] as number;
      const full = best.length === count;
      if (full && bid <= (bids[best[count - 1] as number] as number)) continue;
      let place = full ? count - 1 : best.length;
      for (; place > 0 && (bids[best[place - 1] as number] as number) < bid; place--) {
        best[place] = best[place - 1] as number;
      }
      best[place] = index;
    }
    return best;
  }

  #sort(): number[] {
    const bids = this.#bids;
    const all = Array.from(bids, (_, index) => index);
    return all.sort((left, right) => (bids[right] as number) - (bids[left] as number));
  }
}

/** 32 uniform bits of a key and a node: murmur's finalizer, with `inner` added in its midst. */
function mix(hash: number, outer: number, inner: number): number {
  let mixed = hash ^ outer;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13) ^ inner, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
