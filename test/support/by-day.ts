/**
 * What is too long for every run is dealt out by the day (UTC): all of it in so many days.
 */
const DAY_MS = 86_400_000;

/** Today's share, from 0. */
export function shareOfToday(shares: number): number {
  return Math.floor(Date.now() / DAY_MS) % shares;
}

/** `QUORATE_SLICE=all` runs every share in one run. */
export const IS_ALL: boolean = process.env["QUORATE_SLICE"] === "all";

/** Those of `all` whose turn is today; all of them if `isAll`. */
export function ofToday<T>(
  all: readonly T[],
  shares: number,
  isAll: boolean = IS_ALL,
): readonly T[] {
  const share = shareOfToday(shares);
  return all.filter((_, index) => isAll || index % shares === share);
}
