/**
 * The table of Maglev: every node has its own order of preference over the slots, and they take
 * turns in choosing the next free one.
 *
 * The order is offset, offset + skip, offset + 2·skip … modulo a prime, which visits every slot.
 * A node that leaves frees its slots to others, who mostly keep theirs, since each of them chooses
 * in its old order. A node of half the greatest weight has every second turn; in the first round
 * each has one, so that nobody is without a slot.
 *
 * Guarantees: equal weights have slots that differ by one at most. Does not guarantee: that only
 * the slots of a node that left change hands; who chooses earlier than before may take what was
 * somebody else's.
 *
 * Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
 * section 3.4, pseudocode 1. The paper has no weights; their turns are those of Envoy
 * (envoyproxy/envoy #2982).
 */

/** How one node chooses. */
export interface Preference {
  /** Its favourite slot, 0 to size - 1. */
  readonly offset: number;
  /** From one slot to the next best, 1 to size - 1. */
  readonly skip: number;
  /** How often it has a turn, relative to others; above 0. */
  readonly weight: number;
}

/** The node of each slot, by its place among `preferences`; `size` is prime, and none is empty. */
export function fillTable(preferences: readonly Preference[], size: number): Uint16Array {
  const table = new Uint16Array(size);
  const taken = new Uint8Array(size);
  const next = Int32Array.from(preferences, ({ offset }) => offset);
  const skips = Int32Array.from(preferences, ({ skip }) => skip);
  const weights = Float64Array.from(preferences, ({ weight }) => weight);
  const turns = new Int32Array(preferences.length);
  const heaviest = weights.reduce((left, right) => Math.max(left, right), 0);
  let free = size;
  for (let round = 1; ; round++) {
    for (let node = 0; node < next.length; node++) {
      if (round * (weights[node] as number) < (turns[node] as number) * heaviest) continue;
      turns[node] = (turns[node] as number) + 1;
      const skip = skips[node] as number;
      let slot = next[node] as number;
      while (taken[slot] === 1) slot = step(slot, skip, size);
      table[slot] = node;
      taken[slot] = 1;
      next[node] = step(slot, skip, size);
      free -= 1;
      if (free === 0) return table;
    }
  }
}

function step(slot: number, skip: number, size: number): number {
  const next = slot + skip;
  return next < size ? next : next - size;
}
