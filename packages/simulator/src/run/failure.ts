/**
 * A failing seed, and how it is told to people.
 */
import { describeFault, type FaultPlan } from "../kernel/faults.ts";
import type { Violation } from "../kernel/kernel.ts";
import { formatEntry, type TraceEntry } from "../kernel/witness.ts";
import type { Shrunken } from "../shrink/shrink.ts";

/** One seed that found something. */
export interface Failure {
  /** In hexadecimal. */
  readonly seed: string;
  /** What went wrong in it: with the seed, all that it takes to run it again. */
  readonly plan: FaultPlan;
  readonly violation: Violation;
  readonly hash: string;
  /** Whether a second run went the same way. */
  readonly isDeterministic: boolean;
  /** The faults that it takes, where that was asked for; `trace` is then of a run with them. */
  readonly shrunken?: Shrunken;
  /** The last lines, oldest first. */
  readonly trace: readonly TraceEntry[];
  /** How to run it again. */
  readonly replay: string;
}

const SHOWN_FAULTS = 20;

/** How to run one seed alone, from a shell. */
export function replayCommand(seed: string): string {
  return `QUORATE_SEED=${seed} and the command that ran this, such as npx vitest run`;
}

/** A failure as the message of an error: what, where, how it came to it, how to see it again. */
export function failureText(failure: Failure, lines: number): string {
  const { seed, trace, isDeterministic, shrunken } = failure;
  const { claim, message, atMs, node } = shrunken?.violation ?? failure.violation;
  const where = node === "" ? "" : ` in ${node}`;
  return [
    `seed ${seed}: "${claim}" failed at ${atMs} ms${where}: ${message}`,
    ...(isDeterministic
      ? []
      : [
          "NOT DETERMINISTIC: the second run of this seed went another way. Look for state that" +
            " is shared between runs, or for time and chance that do not come from the Runtime.",
        ]),
    `replay: ${failure.replay}`,
    ...(shrunken === undefined ? faultsBefore(failure) : faultsNeeded(shrunken)),
    "last lines:",
    ...trace.slice(-lines).map((entry) => `  ${formatEntry(entry)}`),
  ].join("\n");
}

function faultsBefore({ plan, violation }: Failure): readonly string[] {
  const before = plan.filter((fault) => fault.atMs <= violation.atMs);
  const shown = before.slice(-SHOWN_FAULTS);
  const skipped = before.length - shown.length;
  const earlier = skipped > 0 ? ` (${skipped} earlier ones not shown)` : "";
  return [`faults before it${earlier}:`, ...faultLines(shown)];
}

function faultsNeeded({ plan, of, runs, isMinimal }: Shrunken): readonly string[] {
  const bounded = isMinimal ? "" : ", where its bound ended the search";
  return [
    `faults that suffice (${plan.length} of ${of}, ${runs} runs${bounded}):`,
    ...faultLines(plan),
  ];
}

function faultLines(plan: FaultPlan): readonly string[] {
  if (plan.length === 0) return ["  none"];
  return plan.map((fault) => `  ${fault.atMs} ms ${describeFault(fault)}`);
}
