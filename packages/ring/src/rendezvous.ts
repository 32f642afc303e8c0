/**
 * Rendezvous hashing: every node bids for the key, the highest bid owns it.
 *
 * The bid is a hash of key and node together, so it needs no ring and no table: nothing to build,
 * some bytes per node, and the balance is that of chance alone. A node's bid does not depend on
 * the others, hence the least disruption there can be, and a natural second, third … owner. The
 * price is a look at each node per key: fine for 30 nodes, bearable for some hundreds.
 *
 * A node of weight w bids -w / ln(u) with u uniform in (0, 1): it wins with chance w/W, and its
 * bid does not change when others come, go or change weight.
 *
 * Guarantees: a change of one node moves keys only to it or from it; `owners` is the ranking of
 * bids, and loses one node and nothing else when that goes; equal bids go to the smaller id.
 * Does not guarantee: an exact share; n keys on a share s vary by √(n·s·(1 - s)).
 *
 * Thaler, Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM Trans.
 * Networking 6(1), 1998; weights after Schindelhauer, Schomaker, "Weighted Distributed Hash
 * Tables", SPAA 2005 (the logarithmic method).
 */
import { fingerprintOf } from "./fingerprint.ts";
import { murmur3 } from "./hash/murmur3.ts";
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
import { byPrefix } from "./prefixes.ts";
import { Bidders } from "./rendezvous/bidders.ts";
import { countZones, untilZonesMet } from "./ring-walk.ts";
import { checkDistinct, zonesFirst } from "./zones.ts";

/**
 * Placement by the highest bid.
 *
 * @example
 * const nodes = Rendezvous.of(["a", "b", { id: "c", weight: 2 }]);
 * nodes.owner("user:42"); // => one of them, "c" for half of all keys
 * nodes.owners("user:42", 2); // => the owner, and who takes over without it
 */
export class Rendezvous implements Placement {
  /** All nodes, those of weight 0 too, in the order of their ids. */
  readonly nodes: readonly PlacedNode[];
  readonly #active: readonly PlacedNode[];
  readonly #bidders: Bidders;
  readonly #totalWeight: number;
  #fingerprint: string | undefined;
  #zones: number | undefined;

  private constructor(nodes: readonly PlacedNode[]) {
    this.nodes = nodes;
    this.#active = nodes.filter(({ weight }) => weight > 0);
    this.#bidders = new Bidders(this.#active);
    this.#totalWeight = nodes.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Rendezvous of these nodes, in any order. Throws INVALID_ARGUMENT for one that is none. */
  static of(nodes: Iterable<NodeLike>): Rendezvous {
    return new Rendezvous(checkNodes(nodes));
  }

  /** 32 hex digits, equal for the same nodes, weights and zones in every process. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf("rendezvous/1", [], this.nodes));
  }

  /** The highest bidder for `key`; `undefined` where no node has weight. A look at each node. */
  owner(key: string): string | undefined {
    return this.#active[this.#bidders.highest(murmur3(checkKey(key)))]?.id;
  }

  /**
   * The `count` highest bidders, highest first; fewer where there are fewer. Each is who would own
   * the key without those before it. With `distinct: "zone"` each zone once before any twice.
   */
  owners(key: string, count: number, options: OwnersOptions = {}): readonly string[] {
    const byZone = checkDistinct(options) === "zone";
    checkCount(count);
    const hash = murmur3(checkKey(key));
    const ranked = (wanted: number): PlacedNode[] =>
      this.#bidders.ranked(hash, wanted).map((index) => this.#active[index] as PlacedNode);
    if (!byZone) return ranked(count).map(({ id }) => id);
    this.#zones ??= countZones(this.#active);
    return zonesFirst(untilZonesMet(byPrefix(ranked), count, this.#zones), count);
  }

  /** w/W: the chance that the node owns a key, and its part of many keys in the mean. */
  share(id: string): number {
    const node = this.nodes[indexOf(this.nodes, checkNodeId(id))];
    return node === undefined || node.weight === 0 ? 0 : node.weight / this.#totalWeight;
  }

  /** With `node`, or with its new weight or zone; itself if nothing changes. */
  with(node: NodeLike): Rendezvous {
    const checked = checkNode(node);
    const known = this.nodes[indexOf(this.nodes, checked.id)];
    if (known !== undefined && sameNode(known, checked)) return this;
    return new Rendezvous(withNode(this.nodes, checked));
  }

  /** Without the node called `id`; itself if that is not there. */
  without(id: string): Rendezvous {
    const nodes = withoutNode(this.nodes, checkNodeId(id));
    return nodes === this.nodes ? this : new Rendezvous(nodes);
  }
}
