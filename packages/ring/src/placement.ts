/**
 * Placement: which node owns a key.
 *
 * One interface, four algorithms. The **ring** moves the least and takes weights and zones; it is
 * the default. **Rendezvous** balances best and suits up to some thirty nodes. **Jump** is for
 * numbered shards that only grow or shrink at the end. **Maglev** looks up fastest and balances
 * best among many keys, and moves a few needless ones. All of them are immutable values: a change
 * makes a new one, and two processes with the same nodes agree on every key, whatever the order in
 * which they heard of them.
 *
 * Guarantees: the answer is a function of the nodes and the key alone; `owners(key, n)[0]` is
 * `owner(key)`. Does not guarantee: that all processes have the same nodes. Compare `fingerprint`,
 * and let a fencing token, not a placement, permit a write.
 */

/** A node to place keys on. */
export interface PlacementNode {
  /** Its name, any well-formed string of 1 to 16384 bytes; equal names are one node. */
  readonly id: string;
  /**
   * Its share relative to others, 0 or from 0.000001 to 1000000. 0 drains it: it is known and owns
   * nothing. @default 1
   */
  readonly weight?: number | undefined;
  /**
   * What fails together: a rack, a data centre; 1 to 1024 bytes. Used by `owners` with
   * `distinct: "zone"`.
   */
  readonly zone?: string | undefined;
}

/** A node, or just its id for one of weight 1 and no zone. */
export type NodeLike = string | PlacementNode;

/** A node with its defaults filled in. */
export interface PlacedNode {
  readonly id: string;
  readonly weight: number;
  readonly zone: string | undefined;
}

/** How to choose the nodes beyond the first. */
export interface OwnersOptions {
  /**
   * `"node"`: each node once. `"zone"`: a zone again only when every zone has been used; nodes
   * without a zone are zones of their own. @default "node"
   */
  readonly distinct?: "node" | "zone";
}

/** Anything that says who owns a key: a placement, or a table that somebody keeps by hand. */
export interface Owners {
  /** The same for the same nodes and settings in every process. Gossip it; unequal is drift. */
  readonly fingerprint: string;
  /** The node that owns `key`; `undefined` where no node has weight. */
  owner(key: string): string | undefined;
}

/** Owners that follow from the nodes by a rule, so that nobody has to store a table. */
export interface Placement extends Owners {
  /**
   * All nodes, those of weight 0 too, in the order of their ids; those of a `JumpHash` in the order
   * of their numbers.
   */
  readonly nodes: readonly PlacedNode[];
  /**
   * The first `count` nodes for `key`, best first, all different; fewer where there are fewer.
   * The first is `owner(key)`. Without one of them, the list is the same less that one, and one
   * more at its end; with `distinct: "zone"` a list stays as it is when a node goes that is not on
   * it, and one that is on it makes room for the next of its zone. `HashRing`, `Rendezvous` and
   * `JumpHash` keep this promise; `Maglev` cannot: its table settles anew, and some lists with it.
   */
  owners(key: string, count: number, options?: OwnersOptions): readonly string[];
  /**
   * The fraction of all keys that `id` owns, 0 for one that is not there. Exact where the algorithm
   * has pieces to count (`HashRing`, `Maglev`), else what it is in the mean over all keys.
   */
  share(id: string): number;
  /** This placement with `node` added, or with another weight or zone if it was there. */
  with(node: NodeLike): Placement;
  /** This placement without the node called `id`; itself if that is not there. */
  without(id: string): Placement;
}
