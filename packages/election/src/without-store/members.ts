/**
 * Members: who may lead, who outranks whom, and who follows whom on the ring.
 *
 * Both algorithms need what no network tells: that every process has the same list and the same
 * order of rank. The list's order is the ring; the rank is the order of the ids, or a comparison
 * of the caller's. An immutable value: another list is another value.
 *
 * Guarantees: ids are distinct, sound as names, and at most 256; the rank has no ties.
 * Does not guarantee: that the others have the same list. Where they differ two may lead for good.
 */
import { checkName, compareNames, invalidArgument, QuorateError } from "@quorate/core";

/** Most members of an election without a store; its messages grow with their square. */
export const MAX_HINT_MEMBERS = 256;

/** Order of rank, as `Array.prototype.sort` takes one; the greatest leads. */
export type RankOrder = (left: string, right: string) => number;

/** The members as one process sees them. */
export class Members {
  /** In the order of the ring. */
  readonly ids: readonly string[];
  readonly #ranks: ReadonlyMap<string, number>;

  private constructor(ids: readonly string[], ranks: ReadonlyMap<string, number>) {
    this.ids = ids;
    this.#ranks = ranks;
  }

  /** @throws INVALID_ARGUMENT `self` is missing, an id is there twice or bad, or ranks are tied. */
  static of(self: string, ids: readonly string[], compare: RankOrder = compareNames): Members {
    if (!Array.isArray(ids)) throw invalidArgument("members", ids, "an array of ids");
    if (ids.length > MAX_HINT_MEMBERS) throw tooMany(ids.length);
    for (const id of ids) checkMemberId("members", id);
    if (new Set(ids).size < ids.length) {
      throw invalidArgument("members", twice(ids), "a list without duplicates: one process per id");
    }
    if (!ids.includes(self))
      throw invalidArgument("members", ids, `a list with self ${self} in it`);
    const byRank = [...ids].sort(compare);
    for (const [index, id] of byRank.entries()) {
      const below = byRank[index - 1];
      if (below === undefined || (compare(below, id) < 0 && compare(id, below) > 0)) continue;
      throw invalidArgument("compare", id, `an order without ties, as between it and ${below}`);
    }
    return new Members([...ids], new Map(byRank.map((id, rank) => [id, rank])));
  }

  /** How many. */
  get size(): number {
    return this.ids.length;
  }

  /** Whether `id` is one of them. */
  has(id: string): boolean {
    return this.#ranks.has(id);
  }

  /** Whether `id` is a greater one than `other`; a stranger outranks nobody. */
  outranks(id: string, other: string): boolean {
    return (this.#ranks.get(id) ?? -1) > (this.#ranks.get(other) ?? -1);
  }

  /** Those that outrank `id`. */
  above(id: string): readonly string[] {
    return this.ids.filter((other) => this.outranks(other, id));
  }

  /** The others, in the order in which a token from `id` meets them. */
  after(id: string): readonly string[] {
    const place = this.ids.indexOf(id);
    return [...this.ids.slice(place + 1), ...this.ids.slice(0, Math.max(0, place))];
  }

  /** Whether `other` says the same. */
  equals(other: Members): boolean {
    const same = (id: string, index: number): boolean =>
      other.ids[index] === id && other.#ranks.get(id) === this.#ranks.get(id);
    return this.size === other.size && this.ids.every(same);
  }
}

/** `id` if it can be a member's: one segment of a name. */
export function checkMemberId(option: string, id: string): string {
  if (!checkName(option, id).includes("/")) return id;
  throw invalidArgument(option, id, "one segment, free of '/'");
}

function twice(ids: readonly string[]): string {
  return ids.find((id, index) => ids.indexOf(id) < index) ?? "";
}

function tooMany(size: number): QuorateError<"TOO_LARGE"> {
  const message = `members has size ${size}, at most ${MAX_HINT_MEMBERS} is allowed`;
  const details = { option: "members", size, limit: MAX_HINT_MEMBERS };
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
