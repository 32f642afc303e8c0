/**
 * Jump hash: shards that are numbered, and grow and shrink at the end.
 *
 * No table and no memory: the owner is computed from the key and the number of nodes alone, and
 * the balance is that of chance. In return a node is a number. Appending one moves just its share
 * to it; removing the last gives just its share back; no other can be removed. That suits shards
 * of a database, each with its replicas, and not a fleet whose machines come and go.
 *
 * Guarantees: `owner` is the published function of the key's 64 bits (two murmur3 of the key);
 * `owners` loses and gains nothing but the last node when that goes or comes. Does not guarantee:
 * anything about two lists of nodes in different orders: the order is the numbering.
 *
 * Lamping, Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294.
 */
import { invalidArgument, show } from "@quorate/core";
import { fingerprintOf } from "./fingerprint.ts";
import { murmur3 } from "./hash/murmur3.ts";
import { lastJump } from "./jump/bucket.ts";
import { rankNumbers } from "./jump/ranking.ts";
import { checkCount, checkKey, checkNode, checkNodeId, MAX_NODES, sameNode } from "./nodes.ts";
import type { NodeLike, OwnersOptions, PlacedNode, Placement } from "./placement.ts";
import { byPrefix } from "./prefixes.ts";
import { countZones, untilZonesMet } from "./ring-walk.ts";
import { checkDistinct, zonesFirst } from "./zones.ts";

/** Seed of the upper half of a key's 64 bits; the lower has 0. */
const HIGH_SEED = 0x9747b28c;

/**
 * Placement on numbered nodes.
 *
 * @example
 * const shards = JumpHash.of(16);
 * shards.owner("user:42"); // => "2", one of "0" to "15"
 * const more = shards.with("16"); // Moves 1/17 of the keys, all of them to "16".
 */
export class JumpHash implements Placement {
  /** All nodes, each at its number. */
  readonly nodes: readonly PlacedNode[];
  readonly #numbers: ReadonlyMap<string, number>;
  #fingerprint: string | undefined;
  #zones: number | undefined;

  private constructor(nodes: readonly PlacedNode[]) {
    this.nodes = Object.freeze(nodes);
    this.#numbers = new Map(nodes.map(({ id }, number) => [id, number]));
  }

  /**
   * Nodes `"0"` to `"n - 1"`, or those of a list, numbered in its order; at most 65 536.
   *
   * Throws INVALID_ARGUMENT for a weight other than 1, as a number has no weight, and for an id
   * that is there twice.
   */
  static of(nodes: number | Iterable<NodeLike>): JumpHash {
    return new JumpHash(typeof nodes === "number" ? numbered(nodes) : listed(nodes));
  }

  /** 32 hex digits, equal for the same nodes and zones in the same order in every process. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf("jump/1", [], this.nodes));
  }

  /** The number of the node that owns `key`; `undefined` if there is none. */
  bucket(key: string): number | undefined {
    const low = murmur3(checkKey(key));
    const { length } = this.nodes;
    return length === 0 ? undefined : lastJump(murmur3(key, HIGH_SEED), low, length);
  }

  /** The node that owns `key`; `undefined` if there is none. */
  owner(key: string): string | undefined {
    return this.nodes[this.bucket(key) ?? -1]?.id;
  }

  /**
   * As `Placement.owners`. Every node is as likely as every other at every place; some
   * `count · ln(n)` draws, made for a few replicas and slow beyond thousands.
   */
  owners(key: string, count: number, options: OwnersOptions = {}): readonly string[] {
    const high = murmur3(checkKey(key), HIGH_SEED);
    const low = murmur3(key);
    const byZone = checkDistinct(options) === "zone";
    const ranked = (wanted: number): PlacedNode[] => {
      const numbers = rankNumbers(high, low, this.nodes.length, wanted);
      return numbers.map((number) => this.nodes[number] as PlacedNode);
    };
    if (!byZone) return ranked(checkCount(count)).map(({ id }) => id);
    this.#zones ??= countZones(this.nodes);
    return zonesFirst(untilZonesMet(byPrefix(ranked), checkCount(count), this.#zones), count);
  }

  /** 1/n: the mean over all keys, of which chance gives each node some more or less. */
  share(id: string): number {
    return this.#numbers.has(checkNodeId(id)) ? 1 / this.nodes.length : 0;
  }

  /** With `node` as the next number; for one that is there, with its zone at its own number. */
  with(node: NodeLike): JumpHash {
    const checked = checkUnweighted(node);
    const number = this.#numbers.get(checked.id);
    if (number === undefined) return JumpHash.of([...this.nodes, checked]);
    const known = this.nodes[number] as PlacedNode;
    return sameNode(known, checked) ? this : new JumpHash(this.nodes.with(number, checked));
  }

  /** Without the last node. Throws INVALID_ARGUMENT for any other: it would renumber the rest. */
  without(id: string): JumpHash {
    const number = this.#numbers.get(checkNodeId(id));
    if (number === undefined) return this;
    const last = this.nodes.length - 1;
    if (number === last) return new JumpHash(this.nodes.slice(0, last));
    const lastId = show(this.nodes[last]?.id);
    const cure = "name a stand-in at its place in JumpHash.of, or use Rendezvous or HashRing";
    throw invalidArgument("id", id, `the last node, ${lastId}, as the others are numbers; ${cure}`);
  }
}

function numbered(count: number): PlacedNode[] {
  if (!Number.isInteger(count) || count < 0 || count > MAX_NODES) {
    throw invalidArgument("nodes", count, `an integer from 0 to ${MAX_NODES}`);
  }
  return Array.from({ length: count }, (_, number) => checkNode(String(number)));
}

function listed(nodes: Iterable<NodeLike>): PlacedNode[] {
  if (typeof nodes !== "object" || nodes === null || !(Symbol.iterator in nodes)) {
    throw invalidArgument("nodes", nodes, "a number of nodes or a list of them");
  }
  const byId = new Map<string, PlacedNode>();
  for (const node of nodes) {
    const checked = checkUnweighted(node);
    if (byId.has(checked.id)) {
      throw invalidArgument("node.id", checked.id, "named once: its place is its number");
    }
    if (byId.size === MAX_NODES) {
      throw invalidArgument("nodes", `more than ${MAX_NODES}`, `at most ${MAX_NODES} nodes`);
    }
    byId.set(checked.id, checked);
  }
  return [...byId.values()];
}

function checkUnweighted(node: NodeLike): PlacedNode {
  const checked = checkNode(node);
  if (checked.weight === 1) return checked;
  const cure = "1, as jump hash knows no weights; use Rendezvous or HashRing";
  throw invalidArgument("node.weight", checked.weight, cure);
}
