/**
 * Sagas end: every step done, or every done step undone, in reverse.
 *
 * Judged by the effects that really are there, in the order in which they happened, not by the
 * saga's own log.
 */
import { Findings, type InvariantReport } from "./report.ts";

/** One effect of one step. */
export interface SagaEffect {
  readonly kind: "action" | "compensation";
  readonly step: string;
}

/** One saga, its plan, and what became of it. */
export interface SagaRecord {
  readonly key: string;
  /** Steps in the order of the plan. */
  readonly steps: readonly string[];
  /** Effects in the order in which they happened. */
  readonly effects: readonly SagaEffect[];
  /** What its caller was told; `open`: nothing yet, or that it is parked. */
  readonly outcome: "completed" | "compensated" | "open";
}

/** Options of `checkSagas`. */
export interface SagasOptions {
  /** Whether a saga may be without an end. Then only its order is judged. @default false */
  readonly allowOpen?: boolean;
}

/**
 * Each saga is completed (every action once, in order) or compensated (every action that happened
 * undone once, in reverse), and nothing goes forward again after the first compensation. The step
 * after the last action may be compensated without its action: whether it happened was in doubt.
 *
 * @example
 * const report = checkSagas([
 *   {
 *     key: "order-7",
 *     steps: ["reserve", "charge"],
 *     effects: [{ kind: "action", step: "reserve" }],
 *     outcome: "compensated",
 *   },
 * ]);
 * console.log(report.violations[0]?.message); // reserve was never undone
 */
export function checkSagas(
  sagas: Iterable<SagaRecord>,
  options: SagasOptions = {},
): InvariantReport {
  const findings = new Findings();
  let checked = 0;
  for (const saga of sagas) {
    checked += 1;
    const problem = problemOfSaga(saga, options.allowOpen === true);
    if (problem !== undefined) findings.add(saga.key, problem);
  }
  return findings.report(checked);
}

function problemOfSaga(saga: SagaRecord, allowOpen: boolean): string | undefined {
  const { steps, effects, outcome } = saga;
  const turn = effects.findIndex(({ kind }) => kind === "compensation");
  const actions = turn === -1 ? effects : effects.slice(0, turn);
  const undone = turn === -1 ? [] : effects.slice(turn);
  const late = undone.find(({ kind }) => kind === "action");
  if (late !== undefined) return `${late.step} acted after the first compensation`;
  const wrong = actions.find(({ step }, index) => step !== steps[index]);
  if (wrong !== undefined) return `${wrong.step} acted twice or out of order`;
  const inDoubt = undone[0]?.step === steps[actions.length] ? 1 : 0;
  const expected = steps.slice(0, actions.length + inDoubt).toReversed();
  const crooked = undone.find(({ step }, index) => step !== expected[index]);
  if (crooked !== undefined)
    return `${crooked.step} was undone twice, out of order, or for nothing`;
  if (outcome === "open") return allowOpen ? undefined : "has no end";
  if (outcome === "completed") {
    if (undone.length > 0) return "was said to be completed and was undone";
    const missing = steps[actions.length];
    return missing === undefined ? undefined : `was said to be completed without ${missing}`;
  }
  const left = expected[undone.length];
  return left === undefined ? undefined : `${left} was never undone`;
}
