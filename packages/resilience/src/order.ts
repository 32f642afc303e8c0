/**
 * Warns of policies in an order that is known to hurt.
 *
 * Outer to inner: fallback, timeout of the whole, retry or hedge, breaker, limits, timeout of one
 * attempt. Other orders are sometimes meant, so it is a warning and not an error.
 */
import { emitWarning } from "node:process";

import type { Layer, Rank } from "./layer.ts";

/** How far in. A timeout may stand anywhere. */
const DEPTH: Readonly<Record<Exclude<Rank, "timeout">, number>> = {
  fallback: 0,
  loop: 1,
  breaker: 2,
  limit: 3,
};

const REASONS: Readonly<Record<string, string>> = {
  "breaker outside loop": "the breaker sees one outcome of many attempts, and opens too late",
  "limit outside loop": "a call keeps its place while it sleeps before a retry",
  "limit outside breaker": "calls wait for a place only to be told that the breaker is open",
  "loop outside fallback": "the fallback's value hides each failure from the retry",
};

/** Emits one process warning for each kind of inversion. */
export function warnOfOrder(layers: readonly Layer[]): void {
  const warned = new Set<string>();
  for (const [index, inner] of layers.entries()) {
    for (const outer of layers.slice(0, index)) {
      if (outer.rank === "timeout" || inner.rank === "timeout") continue;
      if (DEPTH[outer.rank] <= DEPTH[inner.rank]) continue;
      const inversion = `${outer.rank} outside ${inner.rank}`;
      if (warned.has(inversion)) continue;
      warned.add(inversion);
      const reason = REASONS[inversion] ?? "the outer one does not see what it should";
      emitWarning(`pipe: ${inversion}: ${reason}. Use resilient() for the safe order.`, {
        type: "QuorateWarning",
        code: "QUORATE_POLICY_ORDER",
      });
    }
  }
}
