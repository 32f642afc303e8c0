/**
 * The hash of a saga's structure: whether a stored instance still fits the code that would run it.
 *
 * Of what the log of an instance depends on: the names of its steps and their order, which stand
 * side by side, which may be skipped, which have an undo, where the pivot is, which sagas are
 * inside. Not of functions, times and retries: these may be corrected under instances in flight.
 *
 * Guarantees: the same text on every platform and in every release; it is in stored records.
 * SHA-256 (FIPS 180-4), cut to 128 bits.
 */
import { createHash } from "node:crypto";
import type { SagaModel, StageModel, StepModel } from "./model.ts";

const HASH_CHARACTERS = 22; // 132 bits of base64url: no two shapes that anybody writes are alike.

/** The hash of what of a saga is structure. */
export function structuralHash({
  stages,
  undoOrder,
}: Pick<SagaModel, "stages" | "undoOrder">): string {
  // Arrays only: the text does not depend on an order of keys.
  const text = JSON.stringify([1, undoOrder, stages.map(shapeOf)]);
  return createHash("sha256").update(text).digest("base64url").slice(0, HASH_CHARACTERS);
}

function shapeOf(stage: StageModel): readonly unknown[] {
  if (stage.kind === "step") return stepShape(stage);
  if (stage.kind === "parallel") return ["parallel", stage.branches.map(stepShape)];
  const { name, version, hash } = stage.saga;
  return ["child", stage.name, name, version, hash];
}

function stepShape({ name, pivot, undo, when }: StepModel): readonly unknown[] {
  const undoable = undo === undefined ? "forward" : "undo";
  return [pivot ? "pivot" : "step", name, undoable, when === undefined ? "always" : "when"];
}
