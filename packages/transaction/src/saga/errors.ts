/**
 * Errors of sagas.
 */
import { QuorateError, show } from "@quorate/core";
import type { SagaRecord } from "./record.ts";

/** It ended undone. */
export function compensatedError(id: string, record: SagaRecord): QuorateError<"SAGA_COMPENSATED"> {
  const { saga, decision } = record;
  const step = decision?.step ?? "";
  const reason = decision?.reason ?? "";
  const at = step === "" ? "" : ` at ${show(step)}`;
  const message = `saga ${show(id)} was undone${at}: ${show(reason)}`;
  const details = { saga, id, step, reason };
  return new QuorateError("SAGA_COMPENSATED", message, { effect: "none", details });
}

/** It waits for an operator. */
export function stuckError(id: string, saga: string, step: string): QuorateError<"SAGA_STUCK"> {
  const message = `saga ${show(id)} is stuck at ${show(step)}: retry, skip, resolve or force it`;
  return new QuorateError("SAGA_STUCK", message, {
    effect: "unknown",
    details: { saga, id, step },
  });
}

/** It goes on after the wait. */
export function pendingError(
  id: string,
  saga: string,
  state: string,
): QuorateError<"SAGA_PENDING"> {
  const message = `saga ${show(id)} is ${state} still, and goes on: ask for its result again`;
  const details = { saga, id, state };
  return new QuorateError("SAGA_PENDING", message, { effect: "unknown", details });
}

/** The id is another's. */
export function mismatchError(id: string, reason: string): QuorateError<"INSTANCE_MISMATCH"> {
  const message = `saga ${show(id)} is there already, ${reason}; choose another id`;
  const details = { id, reason };
  return new QuorateError("INSTANCE_MISMATCH", message, { effect: "none", details });
}

/** The definition that is served is not the one that the record was made by. */
export function definitionChangedError(
  id: string,
  record: Pick<SagaRecord, "saga" | "version">,
): QuorateError<"DEFINITION_CHANGED"> {
  const { saga, version } = record;
  const message =
    `saga ${show(id)} was started by another shape of ${saga} v${version}, or it is not served ` +
    `here; give a changed shape a new version, and serve both until the old ones have ended`;
  const details = { saga, id, version };
  return new QuorateError("DEFINITION_CHANGED", message, { effect: "none", details });
}

/** The verb does not apply. */
export function wrongStateError(
  id: string,
  verb: string,
  state: string,
): QuorateError<"WRONG_STATE"> {
  const message = `${verb} does not apply to saga ${show(id)}, which is ${state}`;
  return new QuorateError("WRONG_STATE", message, { effect: "none", details: { id, verb, state } });
}
