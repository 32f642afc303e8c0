/**
 * Owners beyond the first for jump hash: a ranking of numbered nodes that grows by insertion.
 *
 * Number the nodes 0, 1, 2 … and rank them for a key by inserting each, in that order, at a random
 * place among those before it. Place 0 is taken by node m with chance 1/(m + 1): that is jump hash.
 * Place 1 is taken, by those that did not take place 0, with chance 1/m: a second jump hash that
 * starts one node later. So the first k of a ranking need k runs of jump hash, k·ln(n) draws, and
 * never a look at all the nodes.
 *
 * Guarantees: first is the node of `lastJump`; every place is shared evenly by all nodes; taking
 * the last node away deletes it from each ranking and changes nothing else.
 *
 * Our own construction, from Lamping and Veach's and reservoir sampling. The obvious alternatives
 * do worse: hashing again until a new node turns up inserts the successor of a removed node in the
 * middle of the list, and the key's earlier jumps favour the small numbers.
 */
import { fmix32 } from "../hash/murmur3.ts";
import { jumpsBelow } from "./bucket.ts";

const GOLDEN = 0x9e3779b9;

/** The first `count` of `nodes` numbered nodes for the 64-bit key with these halves, best first. */
export function rankNumbers(high: number, low: number, nodes: number, count: number): number[] {
  const placeOf = new Map<number, number>();
  for (let place = 0; place < Math.min(count, nodes); place++) {
    for (const jump of jumpsBelow(derive(high, place), derive(low, place), nodes - place)) {
      // A node takes the best place that it draws.
      if (!placeOf.has(jump + place)) placeOf.set(jump + place, place);
    }
  }
  const ranking: number[] = [];
  for (const [number, place] of [...placeOf].sort(([left], [right]) => left - right)) {
    ranking.splice(place, 0, number);
    if (ranking.length > count) ranking.pop();
  }
  return ranking;
}

/** Half of a key for the run that decides `place`; that for place 0 is the key's own. */
function derive(half: number, place: number): number {
  return place === 0 ? half : fmix32(half + Math.imul(place, GOLDEN));
}
