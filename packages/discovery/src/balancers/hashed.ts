/**
 * Consistent hash with bounded load: calls with equal keys go to the same endpoint, as long as
 * that is not overrun.
 *
 * For endpoints that keep something by key: a cache, a session, a shard. A key goes to its owner on
 * a hash ring; where the owner already has more than `factor` times its part of the calls under
 * way, the call goes to the key's next owner. When an endpoint leaves, its keys go to others and
 * no other key moves; a newcomer takes its part from all.
 *
 * Guarantees: no endpoint is given more than `factor` times its part of this caller's calls under
 * way, rounded up; all callers that know the same endpoints agree on every owner. Does not
 * guarantee: `avoid`, where all others are full, for the bound goes first; nor that one endpoint
 * alone ever sees a key. Callers learn of changes at different times,
 * and a full owner passes calls on. What must have one writer needs a fencing token.
 *
 * Ring and bound are `HashRing` and `boundedLoad` of `@quorate/ring`, which name their papers.
 */
import { invalidArgument, invariant, type Random } from "@quorate/core";
import {
  type BoundedLoad,
  boundedLoad,
  HashRing,
  type PlacedNode,
  type Placement,
  type Slot,
} from "@quorate/ring";

import type { PickOutcome, PickRequest } from "../balancer.ts";
import type { Field, Seat } from "./seat.ts";
import type { Chooser } from "./seated.ts";

/** Where a call without a key goes. */
export type Unkeyed = "refuse" | "anywhere";

/** Slots of one endpoint. They are alike, so that of a pick need not be told from its others. */
type Slots = Slot[];
type Keyed = Seat<Slots>;

const POINTS = 160;
/** Of the whole ring, at most; weights may be large, and come from outside. */
const MAX_POINTS = 1_048_576;

/** Chooses by key. */
export function hashed(
  random: Random,
  options: { readonly factor: number; readonly unkeyed: Unkeyed },
): Chooser<Slots> {
  return new Hashed(random, options.factor, options.unkeyed);
}

class Hashed implements Chooser<Slots> {
  readonly name = "hashed";
  readonly isTimed = false;
  readonly #random: Random;
  readonly #unkeyed: Unkeyed;
  readonly #placement: Detour;
  readonly #load: BoundedLoad;
  #seats = new Map<string, Keyed>();

  constructor(random: Random, factor: number, unkeyed: Unkeyed) {
    this.#random = random;
    this.#unkeyed = unkeyed;
    this.#placement = new Detour();
    this.#load = boundedLoad(this.#placement, { factor });
  }

  newMeasure(): Slots {
    return [];
  }

  update({ seats }: Field<Slots>): void {
    this.#seats = new Map(seats.map((seat) => [seat.endpoint.id, seat]));
    if (this.#placement.place(seats)) this.#load.use(this.#placement);
  }

  choose(field: Field<Slots>, _nowMs: number, request: PickRequest | undefined): Keyed {
    const key = request?.key ?? this.#anyKey();
    // A field of fewer is one that avoids; one that could not avoid anything is the whole.
    const isDetour = field.seats.length < this.#seats.size;
    const slot = this.#placement.around(isDetour ? request?.avoid : undefined, () =>
      this.#load.acquire(key),
    );
    const seat = slot && this.#seats.get(slot.node);
    invariant(slot !== undefined && seat !== undefined, "the ring has other nodes than the field");
    seat.measure.push(slot);
    return seat;
  }

  ended(seat: Keyed, _outcome: PickOutcome): void {
    seat.measure.pop()?.release();
  }

  #anyKey(): string {
    if (this.#unkeyed === "anywhere") return String(this.#random.next());
    const expected = "a string: this balancer sends by key (or make it with unkeyed: anywhere)";
    throw invalidArgument("request.key", undefined, expected);
  }
}

/** A ring on which some nodes can be passed over for the time of one question. */
class Detour implements Placement {
  #ring = HashRing.of([], { points: POINTS });
  #points = POINTS;
  #avoid: ReadonlySet<string> | undefined = undefined;

  /** Other nodes from now on; false if they are the same. */
  place(seats: readonly Keyed[]): boolean {
    const total = seats.reduce((sum, { weight }) => sum + weight, 0);
    const points = Math.max(1, Math.min(POINTS, Math.floor(MAX_POINTS / total)));
    const next = seats.map(({ endpoint, weight }) => ({ id: endpoint.id, weight }));
    const weights = new Map(this.#ring.nodes.map(({ id, weight }) => [id, weight]));
    const isSame = next.every(({ id, weight }) => weights.get(id) === weight);
    if (isSame && weights.size === next.length && points === this.#points) return false;
    this.#ring = HashRing.of(next, { points });
    this.#points = points;
    return true;
  }

  /** What `ask` answers, if it may not meet the nodes of `avoid`. */
  around<T>(avoid: ReadonlySet<string> | undefined, ask: () => T): T {
    this.#avoid = avoid;
    try {
      return ask();
    } finally {
      this.#avoid = undefined;
    }
  }

  get nodes(): readonly PlacedNode[] {
    return this.#ring.nodes;
  }

  get fingerprint(): string {
    return this.#ring.fingerprint;
  }

  owner(key: string): string | undefined {
    return this.#avoid === undefined ? this.#ring.owner(key) : this.owners(key, 1)[0];
  }

  owners(key: string, count: number): readonly string[] {
    const avoid = this.#avoid;
    if (avoid === undefined) return this.#ring.owners(key, count);
    const owners = this.#ring.owners(key, count + avoid.size);
    return owners.filter((id) => !avoid.has(id)).slice(0, count);
  }

  share(id: string): number {
    return this.#ring.share(id);
  }

  with(): Placement {
    return this;
  }

  without(): Placement {
    return this;
  }
}
