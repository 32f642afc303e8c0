/**
 * The rings of npm, each with as many points as ours, behind one small interface.
 *
 * A ring is made from nodes with weights. `points` is 160 for a unit of weight, as near as the
 * library can: hashring makes 4 points of each of 40 digests by default, ketama 50 for a unit.
 */
import { HashRing as Quorate } from "@quorate/ring";
import ConsistentHash from "consistent-hash";
import HashRing from "hashring";
import * as ketama from "ketama";
import NodeHashring from "node-hashring";

/** A ring of some library, changed in place or not: `join` and `leave` answer the ring to use. */
export interface RivalRing {
  owner(key: string): string | null | undefined;
  owners(key: string, count: number): unknown;
  join(node: string, weight: number): RivalRing;
  leave(node: string): RivalRing;
}

/** A library. */
export interface Rival {
  readonly name: string;
  /** Whether it knows weights, and lists of several owners. */
  readonly knows: { readonly weights: boolean; readonly owners: boolean };
  build(nodes: readonly string[]): RivalRing;
}

/** How many points a node has. */
export const POINTS = 160;
/** Our own name in the tables. */
export const OURS = "quorate";

const BOTH = { weights: true, owners: true };
// Its default of 100,003 places is too small for 1,000 nodes: it throws.
const PLACES = 16_777_259;

/** All libraries, ours first. */
export const RIVALS: readonly Rival[] = [
  { name: OURS, knows: BOTH, build: (nodes) => ours(Quorate.of(nodes, { points: POINTS })) },
  {
    name: "hashring",
    knows: BOTH,
    build(nodes) {
      const ring = new HashRing(nodes);
      return inPlace({
        owner: (key) => ring.get(key),
        owners: (key, count) => ring.range(key, count),
        join: (node, weight) => void ring.add({ [node]: weight }),
        leave: (node) => void ring.remove(node),
      });
    },
  },
  {
    name: "consistent-hash",
    knows: BOTH,
    build(nodes) {
      const ring = new ConsistentHash({ range: PLACES, controlPoints: POINTS });
      for (const node of nodes) ring.add(node);
      ring.get(""); // It sorts at the first look-up.
      return inPlace({
        owner: (key) => ring.get(key),
        owners: (key, count) => ring.get(key, count),
        join: (node, weight) => void ring.add(node, weight * POINTS).get(""),
        leave: (node) => void ring.remove(node).get(""),
      });
    },
  },
  {
    name: "node-hashring",
    knows: { weights: false, owners: false },
    build(nodes) {
      const ring = new NodeHashring(nodes, POINTS);
      return inPlace({
        owner: (key) => ring.findNode(key),
        owners: () => [],
        join: (node) => ring.addNode(node),
        leave: (node) => ring.removeNode(node),
      });
    },
  },
  {
    name: "ketama",
    knows: BOTH,
    build(nodes) {
      const unit = POINTS / 50;
      const ring = new ketama.HashRing<string>(nodes.map((node) => ({ node, weight: unit })));
      return inPlace({
        owner: (key) => ring.getNode(key),
        owners: (key, count) => ring.getNodes(key, count),
        join: (node, weight) => ring.addNode(node, weight * unit),
        leave: (node) => ring.removeNode(node),
      });
    },
  },
];

function ours(ring: Quorate): RivalRing {
  return {
    owner: (key) => ring.owner(key),
    owners: (key, count) => ring.owners(key, count),
    join: (id, weight) => ours(ring.with({ id, weight })),
    leave: (id) => ours(ring.without(id)),
  };
}

function inPlace(
  ring: Omit<RivalRing, "join" | "leave"> & {
    join(node: string, weight: number): void;
    leave(node: string): void;
  },
): RivalRing {
  const same: RivalRing = {
    owner: ring.owner,
    owners: ring.owners,
    join(node, weight) {
      ring.join(node, weight);
      return same;
    },
    leave(node) {
      ring.leave(node);
      return same;
    },
  };
  return same;
}
