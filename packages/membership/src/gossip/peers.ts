/**
 * Peers: whom a process may talk to, as one value that all parts share.
 *
 * A draw without replacement must not cost a copy of the list: with four thousand peers and three
 * draws a round it would be most of the work.
 *
 * Guarantees: ids are distinct; a draw is uniform over the others, if the source of chance is.
 */
import { checkName, invalidArgument, QuorateError, type Random } from "@quorate/core";

/** Most peers of one group. */
export const MAX_PEERS = 4_096;

/** The ids of a group. */
export class Peers {
  /** Nobody. */
  static readonly NONE: Peers = new Peers([]);
  /** In the order in which they were named. */
  readonly ids: readonly string[];
  readonly #places: ReadonlyMap<string, number>;

  private constructor(ids: readonly string[]) {
    this.ids = ids;
    this.#places = new Map(ids.map((id, place) => [id, place]));
  }

  /** @throws INVALID_ARGUMENT an id is bad. @throws TOO_LARGE more than 4096 of them. */
  static of(ids: readonly string[]): Peers {
    if (!Array.isArray(ids)) throw invalidArgument("peers", ids, "an array of ids");
    if (ids.length > MAX_PEERS) {
      const message = `peers has size ${ids.length}, at most ${MAX_PEERS} is allowed`;
      const details = { option: "peers", size: ids.length, limit: MAX_PEERS };
      throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
    }
    return new Peers([...new Set(ids.map((id) => checkPeerId("peers", id)))]);
  }

  /** How many. */
  get size(): number {
    return this.ids.length;
  }

  /** Whether `id` is one of them. */
  has(id: string): boolean {
    return this.#places.has(id);
  }

  /** Up to `count` different ones but for `self`, at random. */
  draw(count: number, self: string, random: Random): readonly string[] {
    const own = this.#places.get(self);
    const others = this.ids.length - (own === undefined ? 0 : 1);
    if (others <= 0) return [];
    const drawn = new Set<number>();
    // Floyd's sampling: `count` draws, each a new place, whatever the size of the list.
    for (let top = Math.max(0, others - count); top < others; top++) {
      const place = Math.floor(random.next() * (top + 1));
      drawn.add(drawn.has(place) ? top : place);
    }
    // Places at and after one's own are those of the next.
    return [...drawn].map((place) => {
      return this.ids[own !== undefined && place >= own ? place + 1 : place] as string;
    });
  }

  /** Whether `ids` are the same ones in the same order. */
  names(ids: readonly string[]): boolean {
    return this.ids.length === ids.length && this.ids.every((id, place) => id === ids[place]);
  }
}

/** `id` if it can be a peer's: one segment of a name. */
export function checkPeerId(option: string, id: string): string {
  if (!checkName(option, id).includes("/")) return id;
  throw invalidArgument(option, id, "one segment, free of '/'");
}
