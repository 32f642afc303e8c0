/**
 * What was probably meant: the name that takes the fewest slips of the finger to reach.
 *
 * Slips are a letter left out, put in, mistaken, or swapped with its neighbour (Damerau, "A
 * technique for computer detection and correction of spelling errors", CACM 1964).
 */

/** Of a word's letters, how many may be wrong before a guess is no help any more. */
const MOST_WRONG = 0.4;
const MOST_LETTERS = 64;

/** The name nearest to `typed`; `undefined`: none is near. */
export function nearestTo(typed: string, names: readonly string[]): string | undefined {
  if (typed.length > MOST_LETTERS) return undefined;
  let best: { readonly name: string; readonly slips: number } | undefined;
  for (const name of names) {
    const slips = slipsBetween(typed, name);
    const isNear = slips <= Math.max(1, MOST_WRONG * Math.min(name.length, typed.length));
    if (isNear && (best === undefined || slips < best.slips)) best = { name, slips };
  }
  return best?.name;
}

/** How many slips turn one word into the other. */
export function slipsBetween(left: string, right: string): number {
  let before: number[] = [];
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const line = [row];
    for (let column = 1; column <= right.length; column++) {
      const differs = left[row - 1] === right[column - 1] ? 0 : 1;
      const cheapest = Math.min(
        at(above, column) + 1,
        at(line, column - 1) + 1,
        at(above, column - 1) + differs,
      );
      const isSwap =
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1];
      line.push(isSwap ? Math.min(cheapest, at(before, column - 2) + 1) : cheapest);
    }
    before = above;
    above = line;
  }
  return at(above, right.length);
}

function at(line: readonly number[], column: number): number {
  return line[column] ?? Infinity;
}
