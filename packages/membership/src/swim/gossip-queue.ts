/**
 * The news that a member has still to tell on, the least told first.
 *
 * Each piece is told a bounded number of times, which grows with the logarithm of the group: that
 * is what it takes for all to hear of it. A newer piece about a member takes the place of the older
 * one. Among pieces that were told equally often the newest goes first.
 *
 * Guarantees: at most one piece per member, so at most as many as there are members; what `take`
 * returns fits into the room given. Cost of `take`: the pieces taken and a few that do not fit.
 */

interface Piece {
  readonly about: string;
  readonly bytes: Uint8Array;
  told: number;
  /** A newer piece about the same member has come. */
  isOld: boolean;
}

/** So many pieces may be too long for the room left before a packet counts as full. */
const MAX_MISSES = 4;

/** What is to be told. */
export class GossipQueue {
  /** By how often they were told; in each the newest last. */
  readonly #rows: Piece[][] = [];
  readonly #about = new Map<string, Piece>();

  /** Pieces that wait. */
  get size(): number {
    return this.#about.size;
  }

  /** Whether something about `id` waits. */
  has(id: string): boolean {
    return this.#about.has(id);
  }

  /** Tells `bytes` about `id` from now on, instead of what was told of it before. */
  add(id: string, bytes: Uint8Array): void {
    const older = this.#about.get(id);
    if (older !== undefined) older.isOld = true;
    const piece: Piece = { about: id, bytes, told: 0, isOld: false };
    this.#about.set(id, piece);
    this.#put(piece);
  }

  /** Adds to `into` what fits into `room` bytes, and counts it as told once more, of `limit`. */
  take(into: Uint8Array[], room: number, limit: number): void {
    const taken: Piece[] = [];
    let left = room;
    let misses = 0;
    for (const row of this.#rows) {
      const kept: Piece[] = [];
      while (row.length > 0 && misses < MAX_MISSES) {
        const piece = row.pop();
        if (piece === undefined || piece.isOld) continue;
        if (piece.bytes.length <= left) {
          left -= piece.bytes.length;
          taken.push(piece);
        } else {
          kept.push(piece);
          misses += 1;
        }
      }
      for (let index = kept.length - 1; index >= 0; index--) row.push(kept[index] as Piece);
      if (misses >= MAX_MISSES) break;
    }
    for (const piece of taken) {
      into.push(piece.bytes);
      this.#toldOnce(piece, limit);
    }
  }

  #toldOnce(piece: Piece, limit: number): void {
    piece.told += 1;
    if (piece.told < limit) this.#put(piece);
    else this.#about.delete(piece.about);
  }

  #put(piece: Piece): void {
    while (this.#rows.length <= piece.told) this.#rows.push([]);
    const row = this.#rows[piece.told] as Piece[];
    row.push(piece);
    // While there is always something newer to tell, nobody meets the old ones further on.
    if (row.length <= 2 * this.#about.size + 64) return;
    this.#rows[piece.told] = row.filter(({ isOld }) => !isOld);
  }
}
