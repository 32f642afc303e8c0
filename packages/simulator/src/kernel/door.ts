/**
 * A door: one function or constructor by which code reaches out of a simulation.
 */
import type { SimNode } from "./node.ts";

/** Answers a call, or lets it through. */
export type Answer = (args: readonly unknown[]) => { readonly value: unknown } | undefined;

/** One function or constructor that reaches out of the simulation. */
export interface Door {
  /** As people write it: `Date.now()`. */
  readonly name: string;
  /** The object that has it; or the built-in module. */
  readonly owner?: () => object | undefined;
  readonly module?: string;
  readonly property: string;
  /** What to do instead. */
  readonly cure: string;
  /** What stands there, given the real thing. */
  stand(real: unknown, answer: Answer): unknown;
  /** What the process's own runtime answers; missing: it cannot be simulated. */
  readonly simulate?: (node: SimNode, args: readonly unknown[]) => unknown;
}
