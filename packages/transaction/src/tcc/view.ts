/**
 * What `inspect` and `list` show of a transaction: everything but inputs and results.
 */
import type { Stored } from "../kernel/contract.ts";
import type { TccRecord } from "./record.ts";
import type { TccView } from "./tcc.ts";

/** The view of a stored transaction. */
export function viewOf({ id, record }: Stored<TccRecord>): TccView {
  const { name, state, reason, branches, isStuck, startedAtMs, deadlineAtMs, owner } = record;
  const shown = branches.map(({ input: _, ...branch }) => branch);
  return { id, name, state, reason, branches: shown, isStuck, startedAtMs, deadlineAtMs, owner };
}
