/**
 * One step as a model: every default filled in, every number within its bounds.
 */
import {
  boolean,
  callable,
  inRange,
  invalidArgument,
  knownOptions,
  positiveInteger,
  ttl,
} from "@quorate/core";
import type { StepModel, StepRetry } from "./model.ts";

/** Where a step stands: what it may and must say follows from that. */
export type Place = "before the pivot" | "pivot" | "behind the pivot";

/** A step's options, types erased. */
export type AnyStepOptions = Partial<
  Omit<StepModel, "kind" | "name" | "pivot" | "retry" | "undoRetry" | "undo">
> & {
  readonly undo?: StepModel["undo"] | "none";
  readonly retry?: Partial<StepRetry>;
  readonly undoRetry?: Partial<StepRetry>;
};

/** Attempts of one step, at most: beyond that a human should have looked. */
const MAX_ATTEMPTS = 1_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const RETRY: StepRetry = { attempts: 5, baseMs: 200, maxMs: 30_000 };
const UNDO_RETRY: StepRetry = { attempts: 20, baseMs: 200, maxMs: 60_000 };

const FORWARD = ["run", "check", "when", "retry", "timeoutMs", "intent"] as const;
const BACKWARD = ["undo", "undoRetry", "undoTimeoutMs", "onExhausted", "settleMs"] as const;

/** The model of a step. @throws INVALID_ARGUMENT naming the step and the option. */
export function stepModel(name: string, options: AnyStepOptions, place: Place): StepModel {
  const what = `step ${JSON.stringify(name)}`;
  const early = place === "before the pivot";
  // Said in full before the list of options says it dryly.
  if (!early && options?.undo !== undefined) {
    const expected = "absent: from the pivot on the saga only goes forward";
    throw invalidArgument(`${what}: undo`, options.undo, expected);
  }
  knownOptions(what, options, early ? [...FORWARD, ...BACKWARD] : FORWARD);
  const optional = <F>(option: string, value: F | undefined): F | undefined =>
    value === undefined ? undefined : callable(`${what}: ${option}`, value);
  const timeoutMs = ttl(`${what}: timeoutMs`, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const settleMs = options.settleMs ?? 0;
  const onExhausted = options.onExhausted ?? (early ? "compensate" : "park");
  if (onExhausted !== "compensate" && onExhausted !== "park") {
    throw invalidArgument(`${what}: onExhausted`, onExhausted, '"compensate" or "park"');
  }
  return Object.freeze({
    kind: "step",
    name,
    pivot: place === "pivot",
    run: callable(`${what}: run`, options.run as StepModel["run"]),
    undo: early ? undoOf(what, options.undo) : undefined,
    check: optional("check", options.check),
    when: optional("when", options.when),
    timeoutMs,
    undoTimeoutMs: ttl(`${what}: undoTimeoutMs`, options.undoTimeoutMs ?? timeoutMs),
    retry: retryOf(`${what}: retry`, options.retry ?? {}, RETRY),
    undoRetry: retryOf(`${what}: undoRetry`, options.undoRetry ?? {}, UNDO_RETRY),
    onExhausted,
    intent: boolean(`${what}: intent`, options.intent ?? false),
    settleMs: settleMs === 0 ? 0 : ttl(`${what}: settleMs`, settleMs),
  });
}

function undoOf(what: string, undo: AnyStepOptions["undo"]): StepModel["undo"] {
  if (undo === "none") return undefined;
  if (typeof undo === "function") return undo;
  throw invalidArgument(`${what}: undo`, undo, 'a function, or "none" where nothing is to undo');
}

function retryOf(option: string, retry: Partial<StepRetry>, defaults: StepRetry): StepRetry {
  knownOptions(option, retry, ["attempts", "baseMs", "maxMs"]);
  const attempts = retry.attempts ?? defaults.attempts;
  inRange(`${option}.attempts`, attempts, 1, MAX_ATTEMPTS);
  const baseMs = ttl(`${option}.baseMs`, retry.baseMs ?? defaults.baseMs);
  const maxMs = ttl(`${option}.maxMs`, retry.maxMs ?? Math.max(defaults.maxMs, baseMs));
  if (maxMs < baseMs) throw invalidArgument(`${option}.maxMs`, maxMs, `at least baseMs, ${baseMs}`);
  return Object.freeze({
    attempts: positiveInteger(`${option}.attempts`, attempts),
    baseMs,
    maxMs,
  });
}
