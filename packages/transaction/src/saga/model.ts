/**
 * The model of a saga: what the builder makes and the engine, the diagrams and the explorer read.
 *
 * A saga is data: named stages in order, each a step, some steps side by side, or another saga.
 * Hence it can be drawn, checked when it is defined, hashed, and resumed by another process years
 * later without replaying code.
 *
 * Types are erased here; the builder is where inputs and outputs are inferred.
 *
 * Garcia-Molina, Salem, "Sagas", SIGMOD 1987.
 */
import type { FencingToken, Json, Ms, Parsed } from "@quorate/core";

/** How an attempt of a step ended. A timeout, an abort and a lost reply are all `unknown`. */
export type StepOutcome = "done" | "refused" | "unknown";

/** What the work of a step is given. */
export interface RunContext<Input = unknown, Out = unknown> {
  readonly input: Input;
  /** Outputs of the steps before. */
  readonly out: Out;
  /** Idempotency key of this step: the same over all retries and owners. Pass it on. */
  readonly key: string;
  /** Grows with each takeover of the instance: lets a guarded resource refuse an old owner. */
  readonly fencingToken: FencingToken;
  /** From 1. */
  readonly attempt: number;
  /**
   * Aborts at the attempt's timeout, the saga's deadline, when this worker is overtaken, and when
   * the saga turns back: what is answered then is still heard.
   */
  readonly signal: AbortSignal;
  /** The saga's id. */
  readonly id: string;
}

/** What an undo is given. Its signal does not abort when the saga is cancelled. */
export interface UndoContext<Input = unknown, Out = unknown> extends RunContext<Input, Out> {
  /** What is known of the step: its output may be missing unless this is `done`. */
  readonly outcome: StepOutcome;
}

/** Answer of a `check`: whether the step took effect at the participant. */
export type CheckAnswer =
  | { readonly outcome: "done"; readonly output: Json }
  | { readonly outcome: "none" }
  | { readonly outcome: "unknown" };

/** Patience with one step. Attempts and the time of the next one are stored with the instance. */
export interface StepRetry {
  /** Attempts, the first included, before the saga decides (a step) or is stuck (an undo). */
  readonly attempts: number;
  readonly baseMs: Ms;
  readonly maxMs: Ms;
}

/** One step, all defaults filled in. */
export interface StepModel {
  readonly kind: "step";
  readonly name: string;
  /** After it the saga only goes forward: it has no undo, nor has any step behind it. */
  readonly pivot: boolean;
  /** The action; its result is the step's output. */
  readonly run: (context: RunContext<never, never>) => unknown;
  /** The compensation; `undefined`: nothing is to undo. */
  readonly undo: ((context: UndoContext<never, never>) => unknown) | undefined;
  /** Asks the participant whether the step took effect, before a retry or an undo. */
  readonly check: ((context: RunContext<never, never>) => unknown) | undefined;
  /** Whether the step is needed at all; asked once, its answer is stored. */
  readonly when: ((context: RunContext<never, never>) => boolean) | undefined;
  readonly timeoutMs: Ms;
  readonly undoTimeoutMs: Ms;
  readonly retry: StepRetry;
  readonly undoRetry: StepRetry;
  /** What follows when the attempts are used up with an unknown outcome. After the pivot: park. */
  readonly onExhausted: "compensate" | "park";
  /** Writes ahead that the step begins: for steps whose needless undo is costly. */
  readonly intent: boolean;
  /** Waits this long before the undo of an unknown outcome: for participants without keys. */
  readonly settleMs: Ms;
}

/** Steps side by side. */
export interface ParallelModel {
  readonly kind: "parallel";
  /** Name of the stage: its branches' names joined. */
  readonly name: string;
  readonly branches: readonly StepModel[];
}

/** A saga as a step of another. Its undo is its own compensation. */
export interface ChildModel {
  readonly kind: "child";
  readonly name: string;
  readonly saga: SagaModel;
  /** What the child is started with. */
  readonly input: (context: RunContext<never, never>) => unknown;
}

/** One after the other. */
export type StageModel = StepModel | ParallelModel | ChildModel;

/** A whole saga. */
export interface SagaModel {
  readonly name: string;
  readonly version: number;
  /** Of the structure: names, order, kinds, pivots; not of the functions. In each record. */
  readonly hash: string;
  readonly stages: readonly StageModel[];
  /** The whole saga's time; then it compensates, or, after the pivot, goes on. */
  readonly deadlineMs: Ms | undefined;
  /** Undo strictly backwards, or each as soon as its own followers are undone. */
  readonly undoOrder: "strict" | "independent";
  /** Checks an input: before a record is made of it, and when a stored one is taken up again. */
  readonly parse: (input: unknown) => Parsed | Promise<Parsed>;
  /** The saga's result from its outputs. */
  readonly returns: (context: { readonly input: never; readonly out: never }) => unknown;
  /** Hides secrets in what `inspect` and diagrams show. */
  readonly redact: ((value: Json) => Json) | undefined;
}
