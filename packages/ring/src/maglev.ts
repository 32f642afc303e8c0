/**
 * Maglev: a table of slots, filled so evenly that every node has the same number of them.
 *
 * A lookup is one hash and one read, whatever the number of nodes, and the balance is exact to one
 * slot: the choice for routing connections and cache entries, of which there are many and none is
 * precious. The price is paid on change: the table is filled anew (some milliseconds), and besides
 * the keys of the node that left or came, less than one in a hundred moves needlessly.
 *
 * Guarantees: nodes of equal weight have equally many slots but for one; the table depends on the
 * nodes, not on their order. Does not guarantee: minimal disruption, nor stable lists of owners.
 * HAZARD: another `tableSize` moves nearly every key. Choose it once, a prime above 100 times the
 * most nodes that you will ever have: shares then differ by 1 % at most.
 *
 * Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016.
 */
import { invalidArgument, knownOptions } from "@quorate/core";
import { fingerprintOf } from "./fingerprint.ts";
import { murmur3 } from "./hash/murmur3.ts";
import { isPrime, primeFrom } from "./maglev/primes.ts";
import { fillTable } from "./maglev/table.ts";
import {
  checkCount,
  checkKey,
  checkNode,
  checkNodeId,
  checkNodes,
  indexOf,
  sameNode,
  withNode,
  withoutNode,
} from "./nodes.ts";
import type { NodeLike, OwnersOptions, PlacedNode, Placement } from "./placement.ts";
import { countZones, untilZonesMet } from "./ring-walk.ts";
import { checkDistinct, zonesFirst } from "./zones.ts";

/** The paper's size for some hundreds of nodes. */
const DEFAULT_TABLE_SIZE = 65_537;
/** The greatest prime below 2²⁴: a table of 32 MiB. */
const MAX_TABLE_SIZE = 16_777_213;
const OFFSET_SEED = 0x5bd1e995;
const SKIP_SEED = 0x27d4eb2f;
const TWO_32 = 2 ** 32;

/** Options of `Maglev.of`. */
export interface MaglevOptions {
  /**
   * Slots: a prime from 2 to 16 777 213, and no fewer than nodes. Shares are exact to one slot, so
   * more slots are a finer balance and fewer needless moves, for 2 bytes each and a longer build.
   * @default 65537
   */
  readonly tableSize?: number;
}

/**
 * Placement by a table of slots.
 *
 * @example
 * const backends = Maglev.of(["a", "b", { id: "c", weight: 2 }]);
 * backends.owner("10.0.0.7:51712"); // => one of them, "c" for half of all keys
 */
export class Maglev implements Placement {
  /** All nodes, those of weight 0 too, in the order of their ids. */
  readonly nodes: readonly PlacedNode[];
  /** Slots of the table. */
  readonly tableSize: number;
  readonly #active: readonly PlacedNode[];
  readonly #table: Uint16Array;
  /** Slots of each node, by id. */
  readonly #slots: ReadonlyMap<string, number>;
  #fingerprint: string | undefined;
  #zones: number | undefined;

  private constructor(nodes: readonly PlacedNode[], tableSize: number) {
    this.nodes = nodes;
    this.tableSize = tableSize;
    this.#active = nodes.filter(({ weight }) => weight > 0);
    this.#table = tableOf(this.#active, tableSize);
    const slots = new Uint32Array(this.#active.length);
    for (const node of this.#table) slots[node] = (slots[node] as number) + 1;
    this.#slots = new Map(this.#active.map(({ id }, node) => [id, slots[node] as number]));
  }

  /**
   * The table of these nodes, in any order.
   *
   * Throws INVALID_ARGUMENT for a table whose size is not a prime, naming the next one, and for
   * one with fewer slots than nodes.
   */
  static of(nodes: Iterable<NodeLike>, options: MaglevOptions = {}): Maglev {
    const { tableSize = DEFAULT_TABLE_SIZE } = knownOptions("options", options, ["tableSize"]);
    return new Maglev(checkNodes(nodes), checkTableSize(tableSize));
  }

  /** 32 hex digits, equal for the same nodes, weights, zones and table size in every process. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf("maglev/1", [this.tableSize], this.nodes));
  }

  /** The node that owns `key`; `undefined` where no node has weight. */
  owner(key: string): string | undefined {
    return this.#active[this.#table[this.#slotOf(key)] as number]?.id;
  }

  /**
   * The owner, then the nodes of the slots that follow its own, each once: so the keys of one node
   * have all others as their second. Unlike the other placements it does not promise that the
   * second owns the key when the first is gone, nor that a list keeps its order when another node
   * goes: most do.
   */
  owners(key: string, count: number, options: OwnersOptions = {}): readonly string[] {
    const byZone = checkDistinct(options) === "zone";
    checkCount(count);
    if (!byZone) return Array.from(this.#walk(key, count), ({ id }) => id);
    const walk = this.#walk(key, this.#active.length);
    this.#zones ??= countZones(this.#active);
    return zonesFirst(untilZonesMet(walk, count, this.#zones), count);
  }

  /** The slots of the node by those of the table: exact, all slots being equally likely. */
  share(id: string): number {
    return (this.#slots.get(checkNodeId(id)) ?? 0) / this.tableSize;
  }

  /** A table with `node`, or with its new weight or zone; itself if nothing changes. */
  with(node: NodeLike): Maglev {
    const checked = checkNode(node);
    const known = this.nodes[indexOf(this.nodes, checked.id)];
    if (known !== undefined && sameNode(known, checked)) return this;
    return new Maglev(withNode(this.nodes, checked), this.tableSize);
  }

  /** A table without the node called `id`; itself if that is not there. */
  without(id: string): Maglev {
    const nodes = withoutNode(this.nodes, checkNodeId(id));
    return nodes === this.nodes ? this : new Maglev(nodes, this.tableSize);
  }

  /** A slot for each of equal parts of the hashes; a product is cheaper than a remainder. */
  #slotOf(key: string): number {
    return Math.floor((murmur3(checkKey(key)) * this.tableSize) / TWO_32);
  }

  /** Up to `count` nodes from the slot of `key` on, each once. */
  *#walk(key: string, count: number): Generator<PlacedNode> {
    const wanted = Math.min(count, this.#active.length);
    const seen = new Set<number>();
    for (let slot = this.#slotOf(key); seen.size < wanted; slot = (slot + 1) % this.tableSize) {
      const node = this.#table[slot] as number;
      if (seen.has(node)) continue;
      seen.add(node);
      yield this.#active[node] as PlacedNode;
    }
  }
}

function tableOf(nodes: readonly PlacedNode[], size: number): Uint16Array {
  if (nodes.length === 0) return new Uint16Array(0);
  if (nodes.length > size) {
    const expected = `at least one slot for each of ${nodes.length} nodes, and better 100:`;
    throw invalidArgument("tableSize", size, `${expected} ${primeFrom(nodes.length * 100)}`);
  }
  const preferences = nodes.map(({ id, weight }) => ({
    offset: murmur3(id, OFFSET_SEED) % size,
    skip: (murmur3(id, SKIP_SEED) % (size - 1)) + 1,
    weight,
  }));
  return fillTable(preferences, size);
}

function checkTableSize(size: number): number {
  if (!Number.isInteger(size) || size < 2 || size > MAX_TABLE_SIZE) {
    throw invalidArgument("tableSize", size, `a prime from 2 to ${MAX_TABLE_SIZE}`);
  }
  if (isPrime(size)) return size;
  throw invalidArgument("tableSize", size, `a prime; the next is ${primeFrom(size)}`);
}
