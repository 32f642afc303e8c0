/**
 * Delta debugging: the smallest part of a list that still shows a failure.
 *
 * Tries to do without halves of the list, then quarters, down to single items, and begins anew
 * with what is left whenever a part could be spared. What comes out is 1-minimal: without any one
 * of its items the failure is gone. Two items that can only be spared together stay.
 *
 * Pure but for `fails`, which it asks about one list after another; `undefined` from it means that
 * there is no budget left, and ends the search with the smallest list so far.
 *
 * Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", TSE 28(2), 2002.
 */

/** Whether a shorter list still fails; `undefined`: stop asking. */
export type Fails<T> = (items: readonly T[]) => Promise<boolean | undefined>;

/** The smallest part of `items` found that still fails. `items` itself is taken to fail. */
export async function ddmin<T>(items: readonly T[], fails: Fails<T>): Promise<readonly T[]> {
  let kept = items;
  // Most plans have faults that came too late, and many failures need none at all.
  if (kept.length > 0 && (await fails([])) === true) return [];
  let parts = 2;
  while (kept.length > 1) {
    const smaller = await without(kept, Math.min(parts, kept.length), fails);
    if (smaller === undefined) return kept;
    if (smaller.length < kept.length) {
      kept = smaller;
      parts = Math.max(parts - 1, 2);
    } else if (parts >= kept.length) return kept;
    else parts = Math.min(parts * 2, kept.length);
  }
  return kept;
}

/** `items` without the first of `parts` parts that can be spared; `undefined`: no budget left. */
async function without<T>(
  items: readonly T[],
  parts: number,
  fails: Fails<T>,
): Promise<readonly T[] | undefined> {
  for (let part = 0; part < parts; part++) {
    const from = Math.floor((part * items.length) / parts);
    const to = Math.floor(((part + 1) * items.length) / parts);
    const rest = [...items.slice(0, from), ...items.slice(to)];
    if (rest.length === 0) continue; // The empty list was tried first.
    const failed = await fails(rest);
    if (failed === undefined) return undefined;
    if (failed) return rest;
  }
  return items;
}
