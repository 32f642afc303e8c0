/**
 * Sorts points with their owners: three passes of counting, eleven bits each.
 *
 * Stable, so points that are equal keep the order in which they came: that of their nodes. Takes
 * about 3 ms for 160,000 points, where a comparator takes a hundred.
 */
const BITS = 11;
const DIGITS = 1 << BITS;
const PASSES = 3;

/** Points and, at the same places, the index of each one's node. */
export interface OwnedPoints {
  readonly points: Uint32Array;
  readonly owners: Uint16Array;
}

/** The same points in ascending order. The arrays that were passed in are used up. */
export function radixSort({ points, owners }: OwnedPoints): OwnedPoints {
  const { length } = points;
  let from: OwnedPoints = { points, owners };
  let to: OwnedPoints = { points: new Uint32Array(length), owners: new Uint16Array(length) };
  const starts = new Uint32Array(DIGITS);
  for (let pass = 0; pass < PASSES; pass++) {
    placeDigits(from, to, pass * BITS, starts);
    [from, to] = [to, from];
  }
  return from;
}

function placeDigits(from: OwnedPoints, to: OwnedPoints, shift: number, starts: Uint32Array): void {
  const { points, owners } = from;
  const { points: toPoints, owners: toOwners } = to;
  const { length } = points;
  starts.fill(0);
  for (let at = 0; at < length; at++) {
    const digit = ((points[at] as number) >>> shift) & (DIGITS - 1);
    starts[digit] = (starts[digit] as number) + 1;
  }
  let start = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit] as number;
    starts[digit] = start;
    start += count;
  }
  for (let at = 0; at < length; at++) {
    const point = points[at] as number;
    const digit = (point >>> shift) & (DIGITS - 1);
    const place = starts[digit] as number;
    starts[digit] = place + 1;
    toPoints[place] = point;
    toOwners[place] = owners[at] as number;
  }
}
