/**
 * The hash ring: the placement that moves the least.
 *
 * Every node has many points on a circle of 2³² hashes, 160 for a unit of weight; a key belongs to
 * the node of the first point at or after its hash, and after the last point comes the first. A
 * node that joins takes its share from all others and nothing moves between those; one that leaves
 * gives its share to all others.
 *
 * A ring is an immutable value: `with` and `without` make another one, `moved` and `plan` say what
 * lies between two, before anything is switched.
 *
 * Guarantees: the same owners in every process that has the same nodes and options, whatever the
 * order and history; a change of one node's weight moves keys to or from that node only. Does not
 * guarantee: an even load. Shares deviate by √((n−1)/(160·n+1)), some 8 %, and the fullest of 100
 * nodes has a quarter more than the average: more points, rendezvous or `boundedLoad` help.
 *
 * Karger et al., "Consistent Hashing and Random Trees", STOC 1997.
 */
import { inRange, invalidArgument, knownOptions, positiveInteger } from "@quorate/core";
import { fingerprintOf } from "./fingerprint.ts";
import { checkHash, MURMUR, type RingHash } from "./hash/ring-hash.ts";
import { checkDialect, type KetamaDialect } from "./ketama.ts";
import {
  checkCount,
  checkKey,
  checkNode,
  checkNodeId,
  checkNodes,
  indexOf,
  placeOf,
  sameNode,
  withNode,
  withoutNode,
} from "./nodes.ts";
import type { NodeLike, OwnersOptions, PlacedNode, Placement } from "./placement.ts";
import { planBetween } from "./plan/plan-between.ts";
import type { RingPlan } from "./plan/ring-plan.ts";
import { hashesByNode, placedNodes, rangesOf } from "./points/arcs.ts";
import { findPoint, HASHES, LAST_HASH, type PointTable } from "./points/point-table.ts";
import { type HashRange, movesBetween, type RingMove } from "./ring-moves.ts";
import { countZones, firstMet, untilZonesMet, walkRing } from "./ring-walk.ts";
import { ketamaScheme, type NodeChange, type Scheme, scatterScheme } from "./scheme.ts";
import { checkDistinct, zonesFirst } from "./zones.ts";

/** Up to here, looking through the list of nodes met is quicker than keeping a set of them. */
const FEW = 16;

/** Options of `HashRing.of`. All processes must use the same. */
export interface HashRingOptions {
  /** Points per unit of weight: more are evener, and slower to build. @default 160 */
  readonly points?: number;
  /** Another seed is another ring, with other neighbours; an integer of 32 bits. @default 0 */
  readonly seed?: number;
  /** The hash of keys and ids. @default MurmurHash3 over UTF-8 */
  readonly hash?: RingHash;
}

/** Options of `HashRing.ketama`. */
export interface KetamaOptions {
  /** The client whose placement is repeated. @default "libketama" */
  readonly dialect?: KetamaDialect;
}

/**
 * Places keys on nodes.
 *
 * @example
 * const ring = HashRing.of(["a", "b", { id: "c", weight: 2 }]);
 * ring.owner("user:42"); // => "b"
 * ring.plan(ring.with("d")).movedShare; // => 0.2255…, all of it to "d"
 */
export class HashRing implements Placement {
  /** All nodes in the order of their ids' bytes, drained ones too. */
  readonly nodes: readonly PlacedNode[];
  readonly #scheme: Scheme;
  readonly #table: PointTable;
  readonly #ids: readonly string[];
  readonly #hashKey: (key: string) => number;
  // Made when first asked for; a ring that only answers `owner` never pays for them.
  #fingerprint: string | undefined;
  #hashes: Float64Array | undefined;
  #reach: { readonly nodes: number; readonly zones: number } | undefined;

  private constructor(scheme: Scheme, nodes: readonly PlacedNode[], table: PointTable) {
    this.nodes = nodes;
    this.#scheme = scheme;
    this.#table = table;
    this.#ids = nodes.map(({ id }) => id);
    this.#hashKey = scheme.hashKey;
  }

  /**
   * The ring of `nodes`. Throws INVALID_ARGUMENT for a bad node or option, for one id with two
   * weights or zones, and for more than 16 million points in all.
   */
  static of(nodes: Iterable<NodeLike>, options: HashRingOptions = {}): HashRing {
    knownOptions("options", options, ["points", "seed", "hash"]);
    const perWeight = positiveInteger("points", options.points ?? 160);
    const scheme = scatterScheme({
      perWeight: inRange("points", perWeight, 1, 65_536),
      seed: checkSeed(options.seed ?? 0),
      hash: checkHash(options.hash ?? MURMUR),
    });
    const checked = checkNodes(nodes);
    return new HashRing(scheme, checked, scheme.build(checked));
  }

  /**
   * A ring that places every key where a memcached client of `dialect` does: for moving a fleet
   * without moving its keys. Weights are relative to all others here, as they are there. Where two
   * points are equal, one pair in some 90,000, clients differ; here the lower id comes first.
   */
  static ketama(nodes: Iterable<NodeLike>, options: KetamaOptions = {}): HashRing {
    knownOptions("options", options, ["dialect"]);
    const scheme = ketamaScheme(checkDialect(options.dialect ?? "libketama"));
    const checked = checkNodes(nodes);
    return new HashRing(scheme, checked, scheme.build(checked));
  }

  /** 32 hex digits, equal for the same nodes, weights, zones and options in every process. */
  get fingerprint(): string {
    const { algorithm, settings } = this.#scheme;
    this.#fingerprint ??= fingerprintOf(algorithm, settings, this.nodes);
    return this.#fingerprint;
  }

  /** Where `key` lies on the circle, 0 to 2³²−1: what ranges are about. */
  hash(key: string): number {
    return this.#hashKey(checkKey(key));
  }

  /** The node that owns `key`; `undefined` where no node has weight. */
  owner(key: string): string | undefined {
    const at = findPoint(this.#table, this.#hashKey(checkKey(key)));
    return this.#table.size === 0 ? undefined : this.#ids[this.#table.owners[at] as number];
  }

  /**
   * The first `count` nodes met from `key` on, all different: owner first, then who would own it
   * next. Fewer where fewer nodes have weight. With `distinct: "zone"` each zone once before any
   * twice; if all nodes share few zones, that walks far around the ring.
   */
  owners(key: string, count: number, options: OwnersOptions = {}): readonly string[] {
    const start = findPoint(this.#table, this.#hashKey(checkKey(key)));
    const byZone = checkDistinct(options) === "zone";
    if (checkCount(count) === 0 || this.#table.size === 0) return [];
    const { nodes, zones } = this.#reachable();
    const wanted = Math.min(count, nodes);
    if (!byZone && wanted <= FEW) {
      return firstMet(this.#table, start, wanted).map((index) => this.#ids[index] as string);
    }
    const walk = walkRing(this.#table, this.nodes, start);
    if (byZone) return zonesFirst(untilZonesMet(walk, wanted, zones), wanted);
    return firstIds(walk, wanted);
  }

  /** The exact fraction of all hashes that `id` owns: 0 if it is drained or not there. */
  share(id: string): number {
    const index = indexOf(this.nodes, checkNodeId(id));
    this.#hashes ??= hashesByNode(this.#table, this.nodes.length);
    return (this.#hashes[index] ?? 0) / HASHES;
  }

  /** What `id` owns, ascending and disjoint: for loading a node's data by their keys' hashes. */
  ranges(id: string): readonly HashRange[] {
    return rangesOf(this.#table, indexOf(this.nodes, checkNodeId(id)));
  }

  /**
   * This ring with `node`, or with its new weight or zone; itself if nothing changes. Takes a pass
   * over all points: some 2 ms for 160,000.
   */
  with(node: NodeLike): HashRing {
    const after = checkNode(node);
    const at = placeOf(this.nodes, after.id);
    const before = this.nodes[at]?.id === after.id ? this.nodes[at] : undefined;
    if (before !== undefined && sameNode(before, after)) return this;
    return this.#changed(withNode(this.nodes, after), { at, before, after });
  }

  /** This ring without the node called `id`; itself if that is not there. */
  without(id: string): HashRing {
    const at = indexOf(this.nodes, checkNodeId(id));
    if (at < 0) return this;
    const change = { at, before: this.nodes[at], after: undefined };
    return this.#changed(withoutNode(this.nodes, id), change);
  }

  /**
   * Which hashes change hands on the way to `next`: exact, disjoint, ascending, complete. A key
   * moves if and only if its `hash` lies in one of the ranges. Throws INVALID_ARGUMENT if `next`
   * hashes keys otherwise; then look up each key in both.
   */
  moved(next: HashRing): readonly RingMove[] {
    this.#checkComparable(next);
    return movesBetween(this.#ground(), next.#ground());
  }

  /**
   * The same for people: how much moves between whom, and each node's load before and after, as
   * figures, as a table and as a picture. Throws as `moved` does.
   */
  plan(next: HashRing): RingPlan {
    this.#checkComparable(next);
    return planBetween(this.#ground(), next.#ground());
  }

  #changed(nodes: readonly PlacedNode[], change: NodeChange): HashRing {
    const table = this.#scheme.rebuild(this.#table, nodes, change);
    return new HashRing(this.#scheme, nodes, table);
  }

  #reachable(): { readonly nodes: number; readonly zones: number } {
    if (this.#reach === undefined) {
      const placed = placedNodes(this.#table, this.nodes.length);
      const nodes = this.nodes.filter((_, index) => placed[index] === 1);
      this.#reach = { nodes: nodes.length, zones: countZones(nodes) };
    }
    return this.#reach;
  }

  #ground(): { table: PointTable; ids: readonly string[]; nodes: readonly PlacedNode[] } {
    return { table: this.#table, ids: this.#ids, nodes: this.nodes };
  }

  #checkComparable(next: HashRing): void {
    if (!(next instanceof HashRing)) throw invalidArgument("next", next, "a HashRing");
    const [mine, theirs] = [this.#scheme.keyHash, next.#scheme.keyHash];
    if (mine === theirs) return;
    throw invalidArgument("next", `one with ${theirs}`, `a ring with the key hash ${mine}`);
  }
}

/** The first `count` of `walk`. */
function firstIds(walk: Iterable<PlacedNode>, count: number): readonly string[] {
  const ids: string[] = [];
  for (const { id } of walk) if (ids.push(id) === count) break;
  return ids;
}

function checkSeed(seed: number): number {
  if (Number.isInteger(seed)) return inRange("seed", seed, 0, LAST_HASH);
  throw invalidArgument("seed", seed, "an integer from 0 to 4294967295");
}
