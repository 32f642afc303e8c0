/** The guarded record: each tick that had its effect, in order. */
import { parseJson } from "@quorate/core";

/** What is in the ledger. */
export function readLedger(payload: Uint8Array | undefined): readonly number[] {
  if (payload === undefined) return [];
  const parsed = parseJson(payload, { maxNodes: 100_000 });
  if (!parsed.ok || !Array.isArray(parsed.value)) throw new Error("the ledger is damaged");
  return parsed.value.map(Number);
}
