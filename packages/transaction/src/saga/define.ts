/**
 * Defines a saga: named steps, in order, each with its way back.
 *
 * A definition is data, not a function that is replayed: it can be drawn, checked here and now,
 * and resumed by another process after a crash, whatever that process did before. Input and outputs
 * are inferred; a step sees the outputs of the steps before it, and of no others.
 *
 * Every call returns a new builder, so what two sagas share can be written once. Mistakes that a
 * type cannot show throw `INVALID_ARGUMENT` where they are made, with the name of the step.
 *
 * Garcia-Molina, Salem, "Sagas", SIGMOD 1987; the pivot is that of Weikum, Schek, "Concepts and
 * Applications of Multilevel Transactions and Open Nested Transactions", 1992.
 */
import type { InputSchema, SchemaInput, SchemaOutput } from "@quorate/core";
import type { IfStorable, OutputOf, Perhaps, With, WithAll } from "./define-types.ts";
import type {
  BranchOptions,
  ForwardOptions,
  PivotOptions,
  SagaOptions,
  StepOptions,
} from "./define-options.ts";
import { draftOf } from "./define-draft.ts";
import type { Saga } from "./define-saga.ts";
import type { RunContext } from "./model.ts";

/** A saga in the making, before its pivot. */
export interface SagaBuilder<Start, Input, Out> {
  /**
   * The next step.
   *
   * @throws INVALID_ARGUMENT a name that is taken or is not one segment; an option out of bounds.
   */
  step<const Name extends string, Output, When extends boolean = never>(
    name: Name,
    options: StepOptions<Input, Out, Name, Output, When>,
  ): IfStorable<Output, Name, SagaBuilder<Start, Input, After<Out, Name, Output, When>>>;
  /**
   * Steps side by side; they do not see each other's outputs. The stage behind them waits for all.
   *
   * @throws INVALID_ARGUMENT as `step`, or no branch.
   */
  parallel<Branches extends Record<string, unknown>>(branches: {
    readonly [Name in keyof Branches]: BranchOptions<Input, Out, Name & string, Branches[Name]>;
  }): IfStorable<
    Branches[keyof Branches],
    keyof Branches & string,
    SagaBuilder<Start, Input, WithAll<Out, Branches>>
  >;
  /**
   * Another saga as a step: its undo is its own compensation, so it must have no pivot.
   *
   * @throws INVALID_ARGUMENT as `step`, a child with a pivot, a saga inside of itself.
   */
  child<const Name extends string, ChildInput, Output>(
    name: Name,
    saga: Saga<ChildInput, Output>,
    input: (context: RunContext<Input, Out>) => NoInfer<ChildInput>,
  ): SagaBuilder<Start, Input, With<Out, Name, Output>>;
  /**
   * The step that decides: done, the saga only goes forward; refused, it is undone. One at most.
   *
   * A pivot has no undo, so its refusal must be final: the participant must not carry out a late
   * copy of a request after it has refused its key.
   */
  pivot<const Name extends string, Output>(
    name: Name,
    options: Omit<PivotOptions<Input, Out, Output>, "when">,
  ): IfStorable<Output, Name, DecidedBuilder<Start, Input, With<Out, Name, Output>>>;
  /** The end: what the saga returns. `result` is a pure function of input and outputs. */
  returns<Output>(
    result: (context: { readonly input: Input; readonly out: Out }) => Output,
  ): IfStorable<Output, "result", Saga<Start, OutputOf<Output>>>;
}

/** A saga in the making, behind its pivot: no undo, no child, no second pivot. */
export interface DecidedBuilder<Start, Input, Out> {
  /** The next step: it is tried until it is done, or parked. @throws INVALID_ARGUMENT */
  step<const Name extends string, Output, When extends boolean = never>(
    name: Name,
    options: PivotOptions<Input, Out, Output, When>,
  ): IfStorable<Output, Name, DecidedBuilder<Start, Input, After<Out, Name, Output, When>>>;
  /** Steps side by side. @throws INVALID_ARGUMENT */
  parallel<Branches extends Record<string, unknown>>(branches: {
    readonly [Name in keyof Branches]: Omit<ForwardOptions<Input, Out, Branches[Name]>, "when">;
  }): IfStorable<
    Branches[keyof Branches],
    keyof Branches & string,
    DecidedBuilder<Start, Input, WithAll<Out, Branches>>
  >;
  /** The end: what the saga returns. */
  returns<Output>(
    result: (context: { readonly input: Input; readonly out: Out }) => Output,
  ): IfStorable<Output, "result", Saga<Start, OutputOf<Output>>>;
}

/** Outputs behind a step: a step that may be skipped may have none. */
export type After<Out, Name extends string, Output, When extends boolean> = [When] extends [never]
  ? With<Out, Name, Output>
  : Perhaps<Out, Name, Output>;

/**
 * Begins the definition of a saga.
 *
 * @throws INVALID_ARGUMENT a name that is not one segment, or an option out of bounds.
 * @example
 * const greet = saga("greet", { version: 1, input: (input: { name: string }) => input })
 *   .step("look", { run: ({ input }) => ({ length: input.name.length }), undo: "none" })
 *   .returns(({ out }) => out.look.length);
 * console.log(greet.mermaid());
 */
export function saga<Schema extends InputSchema>(
  name: string,
  options: SagaOptions<Schema>,
): IfStorable<
  SchemaInput<Schema>,
  "input",
  SagaBuilder<SchemaInput<Schema>, SchemaOutput<Schema>, object>
> {
  // Types are erased inside; this is the one place where they are put on.
  return draftOf(name, options) as never;
}

/**
 * A branch of `parallel` with its own types: its `undo` sees its own output, and with `when` its
 * output is optional.
 *
 * @example
 * const notify = saga("notify", { version: 1, input: (to: { mail: string }) => to })
 *   .parallel({
 *     mail: branch({
 *       run: ({ input, key }) => ({ id: `${input.mail} ${key}` }),
 *       undo: ({ out }) => console.log("recall", out.mail?.id),
 *     }),
 *     log: { run: () => {}, undo: "none" },
 *   })
 *   .returns(({ out }) => out.mail.id);
 */
export function branch<Input, Out, Name extends string, Output, When extends boolean = never>(
  options: StepOptions<Input, Out, Name, Output, When>,
): BranchOptions<Input, Out, Name, [When] extends [never] ? Output : Output | undefined> {
  return options as never;
}
