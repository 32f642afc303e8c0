/**
 * Shared use: something that is begun for the first who wants it and ended after the last.
 *
 * Guarantees: begun once for all users of a key at a time; a user's end counts once, however often
 * it is called.
 */

/** What is in use, and by how many. */
interface InUse {
  users: number;
  readonly stop: () => void;
}

/** Keeps what is begun per key. */
export class SharedUse<K extends object> {
  readonly #inUse = new WeakMap<K, InUse>();

  /**
   * One more user of `key`; `begin` is called for the first, and what it returns for the last.
   * Returns the end of this use. Twice is fine.
   */
  join(key: K, begin: () => () => void): () => void {
    let inUse = this.#inUse.get(key);
    if (inUse === undefined) {
      inUse = { users: 0, stop: begin() };
      this.#inUse.set(key, inUse);
    }
    const joined = inUse;
    joined.users += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      joined.users -= 1;
      if (joined.users > 0) return;
      this.#inUse.delete(key);
      joined.stop();
    };
  }
}
