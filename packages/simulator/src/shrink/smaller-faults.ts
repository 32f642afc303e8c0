/**
 * Milder versions of one fault: shorter, of fewer nodes, by a smaller jump.
 *
 * Pure. Each version changes one thing, so that whoever reads the shrunken plan sees what matters:
 * a partition of 40 ms says another thing than one of 20 s.
 */
import type { Fault, FaultValues } from "../kernel/faults.ts";

/** Below this a duration is left as it is: nobody understands more by less. */
const SHORTEST_MS = 10;

/** Versions of `fault` that are milder in one thing, the mildest first. */
export function* milder(fault: Fault): Generator<Fault> {
  if (fault.forMs !== undefined) {
    for (const forMs of shorter(fault.forMs)) yield { ...fault, forMs };
  }
  for (const [name, value] of Object.entries(fault.values ?? {})) {
    for (const smaller of smallerValues(name, value)) {
      yield { ...fault, values: { ...fault.values, [name]: smaller } };
    }
  }
}

function* smallerValues(name: string, value: FaultValues[string]): Generator<typeof value> {
  if (typeof value === "number" && name.endsWith("Ms")) {
    const sign = Math.sign(value);
    for (const ms of shorter(Math.abs(value))) yield sign * ms;
  }
  if (!Array.isArray(value) || value.length < 2) return;
  for (const left of value) yield value.filter((member) => member !== left);
}

/** An eighth, then a half: a large step first, since each costs a run. */
function* shorter(ms: number): Generator<number> {
  for (const part of [8, 2]) {
    const less = Math.round(ms / part);
    if (less >= SHORTEST_MS && less < ms) yield less;
  }
}
