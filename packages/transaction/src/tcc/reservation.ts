/**
 * Reservations: what a participant holds between its try and its confirm or cancel.
 *
 * It would like to free what nobody comes back for, and must not on its own: the confirm may be on
 * its way, and a decision never expires. So it keeps the reservation's note with what it reserved,
 * and when that has run out asks the coordinator. Past the deadline the question itself decides: an
 * undecided transaction is cancelled by it.
 *
 * Guarantees: `mayFree` says yes only when the decision for cancel is written. Does not guarantee a
 * yes: while a confirm is under way, or the coordinator's store cannot be asked, keep it.
 */
import { boundedString, invalidArgument, type Ms, position } from "@quorate/core";

/** A note of who reserved, and from when on it is worth asking. Plain JSON. */
export interface Reservation {
  /** The transaction's id. */
  readonly id: string;
  /** `<id>/<branch>`. */
  readonly branch: string;
  /** Wall time: the coordinator's deadline and the skew of clocks. Before it, nobody need ask. */
  readonly expiresAtMs: Ms;
}

/** What a coordinator says of a transaction. */
export type TccDecision = "confirm" | "cancel" | "pending";

/** A reservation that ends with the coordinator's deadline, and `skewMs` for clocks that differ. */
export function reservation(
  id: string,
  branch: string,
  times: { readonly deadlineAtMs: Ms; readonly skewMs: Ms },
): Reservation {
  return { id, branch, expiresAtMs: times.deadlineAtMs + times.skewMs };
}

/**
 * Whether what was reserved may be freed without having been told to. Asks `coordinator` only when
 * the reservation has run out by `nowMs`; a no means: keep it, and ask again later.
 *
 * @example
 * import { mayFree, type Reservation, type Tcc } from "@quorate/transaction";
 * async function sweep(tcc: Tcc, held: readonly Reservation[]): Promise<readonly Reservation[]> {
 *   const answers = await Promise.all(held.map((one) => mayFree(one, tcc, Date.now())));
 *   return held.filter((_, index) => answers[index]); // run each one's cancel, under the barrier
 * }
 */
export async function mayFree(
  held: Reservation,
  coordinator: { decision(id: string): Promise<TccDecision> },
  nowMs: Ms,
): Promise<boolean> {
  const id = boundedString("reservation.id", held?.id, 512);
  const expiresAtMs = position("reservation.expiresAtMs", Math.ceil(held.expiresAtMs));
  if (!Number.isFinite(nowMs)) throw invalidArgument("nowMs", nowMs, "wall time in milliseconds");
  if (nowMs < expiresAtMs) return false;
  return (await coordinator.decision(id)) === "cancel";
}
