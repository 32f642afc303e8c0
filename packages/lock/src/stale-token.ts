/**
 * The refusal of a guard, as an error with its cure: there are two, and they differ.
 *
 * Mostly somebody newer was here, and the work is void. But when the refused one holds its lock to
 * this very moment, then not it is old: the store's tokens went back, and waiting cures it.
 */
import { type FenceResult, type FencingToken, QuorateError, show } from "@quorate/core";

/** Throws STALE_TOKEN for a refusal. `held`: the refused one still believes in its lock. */
export function demandTaken(
  resource: string,
  fencingToken: FencingToken,
  result: FenceResult,
  held = false,
): void {
  if (result.ok) return;
  const { floor } = result;
  const behindMs = Math.ceil((floor - fencingToken) / 1_000);
  const cure = held
    ? " The lock seems held all the same: then the store's clock went back or a backup was " +
      `restored, and tokens pass this floor in ${behindMs} ms; or two locks guard one resource`
    : " Somebody newer was here: drop this work, and begin again with a new lock";
  const message =
    `${show(resource)} refuses token ${fencingToken}, its floor is ${floor}; nothing was ` +
    `written.${cure}`;
  const details = { resource, fencingToken, floor };
  throw new QuorateError("STALE_TOKEN", message, { effect: "none", details });
}
