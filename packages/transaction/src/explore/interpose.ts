/**
 * Stands between the engine and the user's functions: a call of one becomes an action at the gate.
 *
 * The function itself runs when the request lands, which may be much later, or after its process
 * has died; it is then the participant that carries out what it was sent.
 */
import type {
  ChildModel,
  RunContext,
  SagaModel,
  StageModel,
  StepModel,
  UndoContext,
} from "../saga/model.ts";
import type { Gate, InterposedStep, StepCall } from "./gate.ts";
import type { ExploredProcess } from "./process.ts";

/** `model` as `process` is to have it. */
export function interposed(model: SagaModel, gate: Gate, process: ExploredProcess): SagaModel {
  return modelAt(model, "", { gate, process, never: new AbortController().signal });
}

interface Place {
  readonly gate: Gate;
  readonly process: ExploredProcess;
  /** A signal that does not abort. */
  readonly never: AbortSignal;
}

function modelAt(model: SagaModel, prefix: string, place: Place): SagaModel {
  const pivotAt = model.stages.findIndex((stage) => stage.kind === "step" && stage.pivot);
  const stages = model.stages.map((stage, index): StageModel => {
    const isBehind = pivotAt !== -1 && index > pivotAt;
    if (stage.kind === "step") return stepAt(stage, isBehind, prefix, place);
    if (stage.kind === "child") return childAt(stage, prefix, place);
    const branches = stage.branches.map((branch) => stepAt(branch, isBehind, prefix, place));
    return { ...stage, branches };
  });
  return { ...model, stages };
}

function childAt(stage: ChildModel, prefix: string, place: Place): ChildModel {
  return { ...stage, saga: modelAt(stage.saga, `${prefix}${stage.name}/`, place) };
}

function stepAt(model: StepModel, isBehind: boolean, prefix: string, place: Place): StepModel {
  const path = prefix + model.name;
  const { run, undo, check } = model;
  const step: InterposedStep = {
    name: model.name,
    mayRefuse: !isBehind,
    isPivot: model.pivot,
    hasEffect: undo !== undefined || model.pivot || isBehind,
  };
  const call =
    (part: StepCall["part"], work: (context: never) => unknown) =>
    (context: RunContext<never, never>): unknown => {
      const { gate, process } = place;
      const { attempt } = context;
      const perform = async (): Promise<unknown> => work(atParticipant(context, place) as never);
      return gate.enter({ kind: "call", process, path, step, part, attempt, perform });
    };
  return {
    ...model,
    run: call("run", run),
    undo: undo === undefined ? undefined : call("undo", undo),
    check: check === undefined ? undefined : call("check", check),
  };
}

/** At the participant nobody hears of the caller's timeout. */
function atParticipant(
  context: RunContext<never, never> | UndoContext<never, never>,
  place: Place,
): RunContext<never, never> {
  return { ...context, signal: place.never };
}
