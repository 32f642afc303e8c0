/**
 * A list read from its beginning, of which only as much is made as is read.
 *
 * Whoever looks for the first owner with room, or in another zone, mostly finds it among the
 * first few; ranking all nodes for that would be waste, and asking one by one would start anew
 * each time. So it asks for 4, then 16, 64 …: in all at most a third more than the last answer.
 */

/** The items of a list that `prefix` gives the first `count` of; it must begin alike for all. */
export function* byPrefix<T>(prefix: (count: number) => readonly T[]): Generator<T> {
  let seen = 0;
  for (let count = 4; ; count *= 4) {
    const items = prefix(count);
    yield* items.slice(seen);
    if (items.length < count) return;
    seen = count;
  }
}
