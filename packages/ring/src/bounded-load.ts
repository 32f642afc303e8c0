/**
 * Bounded load: requests go to the owner of their key, unless it has more than its part already.
 *
 * Any placement is uneven, and some keys are hotter than all others together. So every request in
 * flight holds a slot on its node, and a node has at most `factor` times its part of all slots; a
 * key whose owner is full goes to its next owner, as far as needed. Most requests still meet the
 * node that has their key warm, and no node drowns.
 *
 * With m requests in flight, node i of weight w takes a further one only while its load is below
 * ⌈factor · (m + 1) · w/W⌉. As the caps together exceed m, somebody always has room.
 *
 * Guarantees: no slot is given above the cap of that moment; a slot is given back once, however
 * often it is released; loads survive a change of nodes. Does not guarantee: a bound on what other
 * processes send to the same nodes; that a node stays below its cap while the others' requests
 * end: caps fall with them, and the node gets nothing until it is below.
 *
 * Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018
 * (arXiv:1608.01350).
 */
import { invalidArgument, invariant, knownOptions } from "@quorate/core";
import type { Placement } from "./placement.ts";
import { byPrefix } from "./prefixes.ts";

/** What a product of three numbers may be off by; without it, 1.1 · 50 would be capped at 56. */
const ROUNDING = 1e-12;

/** Options of `boundedLoad`. */
export interface BoundedLoadOptions {
  /**
   * Most load of a node, as a multiple of its part; above 1, at most 1000. Near 1 is even and
   * sends many keys elsewhere; 2 hardly ever does. @default 1.25
   */
  readonly factor?: number;
}

/** A request's place on a node, held until it is released. */
export interface Slot extends Disposable {
  /** The node to send it to. */
  readonly node: string;
  /** True if that is the key's owner, false if the request was passed on. */
  readonly isOwner: boolean;
  /** Gives the place back. Harmless when done again. `using` does it at the end of the block. */
  release(): void;
}

/** One node's load. */
export interface NodeLoad {
  readonly node: string;
  /** Slots held on it. */
  readonly load: number;
  /** Most slots that it would have after one more request; 0 for a node without weight or gone. */
  readonly cap: number;
}

/**
 * Slots on the nodes of `placement`, which is any: a ring, rendezvous, jump hash, Maglev.
 *
 * Throws INVALID_ARGUMENT for a factor of 1 or less.
 *
 * @example
 * const slots = boundedLoad(HashRing.of(["a", "b", "c"]), { factor: 1.25 });
 * using slot = slots.acquire("user:42");
 * if (slot !== undefined) await fetch(`http://${slot.node}/users/42`);
 */
export function boundedLoad(placement: Placement, options: BoundedLoadOptions = {}): BoundedLoad {
  return new BoundedLoad(placement, options);
}

/** The loads of nodes, and who takes the next request. Made by `boundedLoad`. */
export class BoundedLoad {
  /** Most load of a node, as a multiple of its part. */
  readonly factor: number;
  #placement: Placement;
  /** Nodes of the placement, and nodes that are gone and still hold slots. */
  #seats = new Map<string, Seat>();
  /** Sum of the weights. */
  #weight = 0;
  /** Slots on nodes that have weight. */
  #load = 0;

  /** See `boundedLoad`. */
  constructor(placement: Placement, options: BoundedLoadOptions = {}) {
    const { factor = 1.25 } = knownOptions("options", options, ["factor"]);
    if (typeof factor !== "number" || !(factor > 1 && factor <= 1_000)) {
      throw invalidArgument("factor", factor, "a number above 1, at most 1000");
    }
    this.factor = factor;
    this.#placement = placement;
    this.use(placement);
  }

  /** The placement in use. */
  get placement(): Placement {
    return this.#placement;
  }

  /**
   * A slot on the first owner of `key` that has room; `undefined` if no node has weight. Looks no
   * further than it must: mostly at the owner alone.
   *
   * Should a placement of your own not list all its nodes as owners, and all that it lists be
   * full, then the node of the least load by its weight takes it, the first of `nodes` among
   * equals: a request is never refused.
   */
  acquire(key: string): Slot | undefined {
    const owner = this.#placement.owner(key);
    if (owner === undefined) return undefined;
    const seat = this.#firstWithRoom(key, owner) ?? this.#leastLoaded();
    if (seat === undefined) return undefined;
    seat.load += 1;
    this.#load += 1;
    return new HeldSlot(seat.node, seat.node === owner, () => this.#release(seat));
  }

  /**
   * Goes on with another placement. Slots that are held count as before on the nodes that stay. On
   * a node that is gone or has no weight they are remembered until they are released, and raise
   * nobody's cap; if it comes back, they are there.
   */
  use(next: Placement): void {
    const nodes = checkPlacement(next).nodes;
    const seats = new Map<string, Seat>();
    for (const { id, weight } of nodes) {
      // The same object where there is one, as the slots that are held refer to it.
      const seat = this.#seats.get(id) ?? { node: id, load: 0, weight, present: true };
      seat.weight = weight;
      seat.present = true;
      seats.set(id, seat);
    }
    for (const seat of this.#seats.values()) {
      if (seats.has(seat.node)) continue;
      seat.weight = 0;
      seat.present = false;
      if (seat.load > 0) seats.set(seat.node, seat);
    }
    this.#seats = seats;
    this.#placement = next;
    const weighted = [...seats.values()].filter(({ weight }) => weight > 0);
    this.#weight = weighted.reduce((sum, { weight }) => sum + weight, 0);
    this.#load = weighted.reduce((sum, { load }) => sum + load, 0);
  }

  /** All loads now, in the order of the placement's nodes; nodes that are gone come last. */
  loads(): readonly NodeLoad[] {
    return Array.from(this.#seats.values(), (seat) => {
      return { node: seat.node, load: seat.load, cap: this.#cap(seat) };
    });
  }

  #firstWithRoom(key: string, owner: string): Seat | undefined {
    const seat = this.#seatWithRoom(owner);
    if (seat !== undefined) return seat;
    for (const node of byPrefix((count) => this.#placement.owners(key, count))) {
      const next = this.#seatWithRoom(node);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  #seatWithRoom(node: string): Seat | undefined {
    const seat = this.#seats.get(node);
    return seat !== undefined && seat.load < this.#cap(seat) ? seat : undefined;
  }

  /** What `seat` may hold once the request that asks is counted. */
  #cap(seat: Seat): number {
    if (seat.weight === 0) return 0;
    const part = (this.factor * (this.#load + 1) * seat.weight) / this.#weight;
    return Math.ceil(part * (1 - ROUNDING));
  }

  #leastLoaded(): Seat | undefined {
    let least: Seat | undefined;
    for (const seat of this.#seats.values()) {
      if (seat.weight === 0) continue;
      if (least === undefined || seat.load * least.weight < least.load * seat.weight) least = seat;
    }
    return least;
  }

  #release(seat: Seat): void {
    seat.load -= 1;
    invariant(seat.load >= 0, `load of ${seat.node} below 0`);
    if (seat.weight > 0) this.#load -= 1;
    if (seat.load === 0 && !seat.present) this.#seats.delete(seat.node);
  }
}

/** A node's load. Shared by the table and the slots that count in it. */
interface Seat {
  readonly node: string;
  load: number;
  /** 0 for a node that is drained or gone. */
  weight: number;
  /** In the placement in use. */
  present: boolean;
}

class HeldSlot implements Slot {
  readonly node: string;
  readonly isOwner: boolean;
  #release: (() => void) | undefined;

  constructor(node: string, isOwner: boolean, release: () => void) {
    this.node = node;
    this.isOwner = isOwner;
    this.#release = release;
  }

  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function checkPlacement(placement: Placement): Placement {
  const given = typeof placement === "object" && placement !== null;
  if (given && typeof placement.owners === "function" && Array.isArray(placement.nodes)) {
    return placement;
  }
  throw invalidArgument("placement", placement, "a HashRing, Rendezvous, JumpHash or Maglev");
}
