/**
 * A defined saga: its model, and in types what goes in and what comes out.
 */
import type { SagaModel } from "./model.ts";

/** A saga that can be served and started. */
export interface Saga<Input, Output> {
  /** Only in types: what `start` takes and `result` gives. */
  readonly "~types"?: { readonly input: (input: Input) => void; readonly output: Output };
  readonly name: string;
  readonly version: number;
  /** Of the structure; not of the functions. A stored instance of another hash is not touched. */
  readonly hash: string;
  /** What the engine and the explorer read. */
  readonly model: SagaModel;
  /** The flow as a Mermaid flowchart. */
  mermaid(): string;
}

/** Any saga: what a list of them is made of. */
export type AnySaga = Saga<never, unknown>;

/** What `start` takes for a saga. */
export type SagaInput<S> = S extends Saga<infer Input, unknown> ? Input : never;
/** What a saga returns. */
export type SagaOutput<S> = S extends Saga<never, infer Output> ? Output : never;
