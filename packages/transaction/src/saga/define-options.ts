/**
 * What a definition says of a saga and of each step.
 *
 * A step before the pivot says how it is undone, or that there is nothing to undo. A step from the
 * pivot on has no undo: once the pivot is done the saga only goes forward, and what cannot fail
 * needs no way back.
 */
import type { InputSchema, Json, Ms } from "@quorate/core";
import type { CheckAnswer, RunContext, StepRetry, UndoContext } from "./model.ts";
import type { Perhaps } from "./define-types.ts";

/** What holds for the whole saga. */
export interface SagaOptions<Schema extends InputSchema> {
  /** From 1. Give a changed shape a new one; serve the old one until none of its instances runs. */
  readonly version: number;
  /** Checks the input, when it is started and when another process takes it up. */
  readonly input: Schema;
  /** The whole saga's time; then it is undone, or, behind the pivot, goes on. @default none */
  readonly deadlineMs?: Ms;
  /**
   * `"strict"`: each undo waits for that of the step after it. `"independent"`: each is tried, also
   * while one of a later step keeps failing. @default "strict"
   */
  readonly undoOrder?: "strict" | "independent";
  /** Hides secrets in what `inspect` and diagrams show; what is stored stays as it is. */
  readonly redact?: (value: Json) => Json;
}

/** What every step may say. `run` first: types are inferred in the order of writing. */
export interface ForwardOptions<Input, Out, Output, When extends boolean = boolean> {
  /**
   * The work. What it returns is stored and goes to the steps behind it.
   *
   * Ends in three ways: it returns (`done`); it throws `refuse(reason, data)` (`refused`: a
   * definite no, without effect); it throws anything else or takes too long (`unknown`: it may
   * have happened, and is tried again with the same key).
   */
  readonly run: (context: RunContext<Input, Out>) => Output | Promise<Output>;
  /** Asks the participant whether the step took effect, before a retry or an undo. */
  readonly check?: (
    context: RunContext<Input, Out>,
  ) => CheckOf<NoInfer<Output>> | Promise<CheckOf<NoInfer<Output>>>;
  /** Whether the step is needed; asked once, the answer is stored. Its output is optional then. */
  readonly when?: (context: RunContext<Input, Out>) => When;
  /** Attempts of an unknown outcome, and the pauses between. @default 5, from 200 ms to 30 s */
  readonly retry?: Partial<StepRetry>;
  /** One attempt's time; then its outcome is unknown. @default 10000 */
  readonly timeoutMs?: Ms;
  /** Writes ahead that the step begins: for steps whose needless undo is costly. @default false */
  readonly intent?: boolean;
}

/** A step before the pivot. */
export interface StepOptions<
  Input,
  Out,
  Name extends string,
  Output,
  When extends boolean = boolean,
> extends ForwardOptions<Input, Out, Output, When> {
  /**
   * Takes the effect back, or `"none"` where there is none (a step that only reads).
   *
   * Called also when the outcome is unknown or refused, and then without an output: it must
   * succeed where nothing happened, and keep a late `run` of the same key from happening.
   */
  readonly undo: ((context: UndoContext<Input, Perhaps<Out, Name, Output>>) => unknown) | "none";
  /** Failures of the undo before the saga is stuck. @default 20, from 200 ms to 60 s */
  readonly undoRetry?: Partial<StepRetry>;
  /** One attempt's time to undo. @default timeoutMs */
  readonly undoTimeoutMs?: Ms;
  /** When all attempts are used up: undo the saga, or park it for a human. @default "compensate" */
  readonly onExhausted?: "compensate" | "park";
  /** Wait before the undo of an unknown outcome, for participants without keys. @default 0 */
  readonly settleMs?: Ms;
}

/** The pivot, or a step behind it: it has no undo, and is tried until it is done or parked. */
export interface PivotOptions<
  Input,
  Out,
  Output,
  When extends boolean = boolean,
> extends ForwardOptions<Input, Out, Output, When> {
  /** There is none: behind the pivot the saga only goes forward. */
  readonly undo?: never;
}

/**
 * A branch of `parallel`. An `undo` that reads its own output, or a `when`, needs `branch({ … })`
 * around it: the compiler cannot infer both for several branches at once.
 */
export interface BranchOptions<Input, Out, Name extends string, Output> extends Omit<
  StepOptions<Input, Out, Name, Output>,
  "undo" | "when" | "check"
> {
  /** As of a step; its own output is any JSON here. */
  readonly undo: ((context: UndoContext<Input, Perhaps<Out, Name, Json>>) => unknown) | "none";
  /** As of a step. */
  readonly check?: (context: RunContext<Input, Out>) => CheckAnswer | Promise<CheckAnswer>;
  /** Only within `branch({ … })`. */
  readonly when?: never;
}

/** What `check` answers, with the step's own type. */
export type CheckOf<Output> =
  | { readonly outcome: "done"; readonly output: Output }
  | { readonly outcome: "none" | "unknown" };
