/**
 * Judges a recorded history at the end of a run, and says what that rests on.
 */
import { checkLinearizable } from "../checker/check-linearizable.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { JudgedHistory } from "./world.ts";

/** What was found of one history. */
export interface HistoryVerdict {
  readonly name: string;
  readonly verdict: "ok" | "illegal" | "unknown";
  readonly operations: number;
  /** Steps of the search, of its budget. */
  readonly steps: number;
}

/** Judges; an illegal history is a violation, an undecided one is counted and told. */
export function judge(
  { name, recorder, judge: by }: JudgedHistory,
  kernel: Kernel,
): HistoryVerdict {
  const found = checkLinearizable(recorder.history(), by.model, by.options);
  const { verdict, operations, steps } = found;
  kernel.witness.count(`history.${name}.${verdict}`);
  if (found.verdict === "illegal") {
    kernel.violate(`${name} is linearizable`, found.explanation.text);
  }
  return { name, verdict, operations, steps };
}
