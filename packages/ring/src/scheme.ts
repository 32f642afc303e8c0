/**
 * The two ways of making a ring's points: each node for itself, or all together as in ketama.
 *
 * A scheme is what a ring hands on when it changes, so that `with` follows the rules under which
 * the ring was made.
 */
import type { RingHash } from "./hash/ring-hash.ts";
import { MURMUR } from "./hash/ring-hash.ts";
import { md5First } from "./hash/md5.ts";
import { murmur3 } from "./hash/murmur3.ts";
import { type KetamaDialect, ketamaPoints } from "./ketama.ts";
import type { PlacedNode } from "./placement.ts";
import { buildTable, type PointTable, replaceNode } from "./points/point-table.ts";
import { checkPointCount, pointCount, type Scatter, scatter } from "./points/scatter.ts";

/** One node instead of another, or of none, at the same index. */
export interface NodeChange {
  readonly at: number;
  readonly before: PlacedNode | undefined;
  readonly after: PlacedNode | undefined;
}

/** How a ring's points and its keys' hashes come about. */
export interface Scheme {
  /** Name and version of the algorithm, for the fingerprint. */
  readonly algorithm: string;
  /** Everything but the nodes that the points depend on, for the fingerprint. */
  readonly settings: readonly (string | number)[];
  /** Names the hash of keys: rings of two names have no ranges in common. */
  readonly keyHash: string;
  /** A key's place on the circle, an unsigned integer of 32 bits. */
  readonly hashKey: (key: string) => number;
  /** The points of `nodes`. Throws INVALID_ARGUMENT where they would be too many. */
  readonly build: (nodes: readonly PlacedNode[]) => PointTable;
  /** The points of `nodes`, made from those they had before `change`. */
  readonly rebuild: (
    table: PointTable,
    nodes: readonly PlacedNode[],
    change: NodeChange,
  ) => PointTable;
}

/** Each node's points for itself: see scatter.ts. */
export function scatterScheme(rules: Scatter): Scheme {
  const { perWeight, seed, hash } = rules;
  return {
    algorithm: "ring/1",
    settings: [perWeight, seed, hash.name],
    keyHash: `${hash.name}/${seed}`,
    hashKey: keyHasher(hash, seed),
    build: (nodes) => {
      checkPointCount(nodes, perWeight);
      return buildTable(nodes.map((node) => scatter(node, rules)));
    },
    rebuild: (table, nodes, { at, before, after }) => {
      checkPointCount(nodes, perWeight);
      const had = before === undefined ? undefined : pointCount(before, perWeight);
      const has = after === undefined ? undefined : scatter(after, rules).sort();
      return replaceNode(table, { at, had, has });
    },
  };
}

/** All nodes' points together: see ketama.ts. */
export function ketamaScheme(dialect: KetamaDialect): Scheme {
  const build = (nodes: readonly PlacedNode[]): PointTable =>
    buildTable(ketamaPoints(nodes, dialect));
  return {
    algorithm: "ketama/1",
    settings: [dialect],
    keyHash: "md5",
    hashKey: md5First,
    build,
    // Nothing to keep: one weight changes every server's number of points.
    rebuild: (_table, nodes) => build(nodes),
  };
}

function keyHasher(hash: RingHash, seed: number): (key: string) => number {
  if (hash === MURMUR) return (key) => murmur3(key, seed);
  return (key) => hash.of(key, seed) >>> 0;
}
