/**
 * What is wrong with a definition is said when it is defined, with the name of the step, and not
 * when the first instance gets there.
 */
import { checkName, invalidArgument } from "@quorate/core";
import type { ChildModel, SagaModel, StageModel, StepModel } from "./model.ts";

/** Steps, branches and children of one saga, at most. */
export const MAX_STEPS = 100;
/** Sagas within sagas, at most: a child's id is its parent's and one more segment. */
export const MAX_NESTING = 5;

/** Steps and children in order, those side by side in the order of writing. */
export function partsOf(stages: readonly StageModel[]): (StepModel | ChildModel)[] {
  return stages.flatMap((stage): readonly (StepModel | ChildModel)[] =>
    stage.kind === "parallel" ? stage.branches : [stage],
  );
}

/** A name of one segment. It stands in keys and operators' commands, as `charge:undo`. */
export function checkSegment(what: string, name: string): string {
  checkName(what, name);
  if (/[/:]/.test(name) || name === "__proto__") {
    throw invalidArgument(what, name, "one segment, without '/' and ':'");
  }
  return name;
}

/** That another stage may follow those there are. */
export function checkNext(stages: readonly StageModel[], names: readonly string[]): void {
  const parts = partsOf(stages);
  const taken = new Set(parts.map(({ name }) => name));
  for (const name of names) {
    checkSegment("step name", name);
    if (taken.has(name)) throw invalidArgument("step name", name, "unique within its saga");
    taken.add(name);
  }
  if (taken.size > MAX_STEPS) {
    throw invalidArgument("steps", taken.size, `at most ${MAX_STEPS} in a saga`);
  }
}

/** That a saga may stand inside of another. */
export function checkChild(parent: string, name: string, child: SagaModel): void {
  const what = `child ${JSON.stringify(name)}`;
  const pivot = partsOf(child.stages).find((part) => part.kind === "step" && part.pivot);
  if (pivot !== undefined) {
    const expected = "without a pivot: its parent could not have it undone";
    throw invalidArgument(what, `${child.name} with the pivot ${pivot.name}`, expected);
  }
  if (within(child).includes(parent)) {
    throw invalidArgument(what, child.name, `another saga than ${parent}, also further inside`);
  }
  const depth = depthOf(child) + 1;
  if (depth > MAX_NESTING) {
    throw invalidArgument(what, `${depth} levels of sagas`, `at most ${MAX_NESTING}`);
  }
}

/** Names of a saga and of all inside of it. */
function within({ name, stages }: SagaModel): string[] {
  return [name, ...childrenOf(stages).flatMap(within)];
}

function depthOf({ stages }: SagaModel): number {
  return 1 + Math.max(0, ...childrenOf(stages).map(depthOf));
}

function childrenOf(stages: readonly StageModel[]): SagaModel[] {
  return stages.flatMap((stage) => (stage.kind === "child" ? [stage.saga] : []));
}
