/**
 * The line in front of a bulkhead, a limit or a server: who is next?
 *
 * Higher priorities go first; among equals the order is that of arrival (`fifo`), the reverse
 * (`lifo`), or `adaptive`: of arrival as long as the line empties now and then, the reverse once it
 * has not been empty for a while. A line that stands is a line of calls whose callers are about to
 * give up: serving the newest first serves somebody in time, where first come, first served would
 * serve everybody too late.
 *
 * Pure: no timer, no clock. Joining, leaving from any place, and being served are O(1) for the
 * few priorities that are in use, O(log n) to find one among n of them. Whoever leaves holds no
 * place: the line is linked through its members.
 *
 * Does not guarantee: that a low priority, or under overload an old call, is ever served. Give
 * calls a deadline.
 *
 * Maurer, "Fail at Scale", ACM Queue 13(8), 2015 (adaptive LIFO); the sign of overload is that of
 * Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012: not how long the line
 * is, but how long it has been standing.
 */
import type { Ms } from "@quorate/core";

/** Who of equal priority is served first. */
export type QueueOrder = "fifo" | "lifo" | "adaptive";

/** A line that has not been empty for this long is standing. */
const STANDING_MS = 100;

/** Somebody in the line. The links are the line's own. */
export interface Queued {
  readonly priority: number;
  /** Its neighbours among its equals; undefined at the ends and outside. */
  older: Queued | undefined;
  newer: Queued | undefined;
  /** Its equals; undefined outside. */
  rank: QueueRank | undefined;
}

/** Those of one priority, by arrival. */
export interface QueueRank {
  readonly priority: number;
  oldest: Queued | undefined;
  newest: Queued | undefined;
}

/** The line. */
export class WaitQueue<T extends Queued> {
  readonly #order: QueueOrder;
  /** Highest priority first; ranks without members are dropped. */
  readonly #ranks: QueueRank[] = [];
  #size = 0;
  /** When it was last known to be empty. */
  #emptyAtMs: Ms = -Infinity;

  constructor(order: QueueOrder) {
    this.#order = order;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** True when it has been standing for so long that its oldest calls are hardly worth serving. */
  isStanding(nowMs: Ms): boolean {
    return this.#size > 0 && nowMs - this.#emptyAtMs > STANDING_MS;
  }

  /** Joins at `nowMs`. */
  add(item: T, nowMs: Ms): void {
    if (this.#size === 0) this.#emptyAtMs = nowMs;
    const rank = this.#rankOf(item.priority);
    item.rank = rank;
    item.older = rank.newest;
    if (rank.newest === undefined) rank.oldest = item;
    else rank.newest.newer = item;
    rank.newest = item;
    this.#size += 1;
  }

  /** Takes out who is served next; undefined: nobody waits. */
  take(nowMs: Ms): T | undefined {
    const [rank] = this.#ranks;
    if (rank === undefined) return undefined;
    const newestFirst =
      this.#order === "lifo" || (this.#order === "adaptive" && this.isStanding(nowMs));
    const next = (newestFirst ? rank.newest : rank.oldest) as T;
    this.remove(next);
    return next;
  }

  /** Who came last of those with the lowest priority: the first to give way. */
  last(): T | undefined {
    return this.#ranks.at(-1)?.newest as T | undefined;
  }

  /** Leaves from wherever it stands; nothing if it is not in. */
  remove(item: T): void {
    const { rank, older, newer } = item;
    if (rank === undefined) return;
    if (older === undefined) rank.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) rank.newest = older;
    else newer.older = older;
    item.rank = item.older = item.newer = undefined;
    this.#size -= 1;
    if (rank.oldest === undefined) this.#ranks.splice(this.#indexOf(rank.priority), 1);
  }

  #rankOf(priority: number): QueueRank {
    const index = this.#indexOf(priority);
    const found = this.#ranks[index];
    if (found?.priority === priority) return found;
    const rank = { priority, oldest: undefined, newest: undefined };
    this.#ranks.splice(index, 0, rank);
    return rank;
  }

  /** Where `priority` stands, or would. */
  #indexOf(priority: number): number {
    let from = 0;
    let to = this.#ranks.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#ranks[middle] as QueueRank).priority > priority) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
