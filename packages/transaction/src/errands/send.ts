/**
 * Sending errands: a saga's verbs for a process that does not serve its definition, such as the
 * command line.
 */
import { type Backend, isQuorateError, QuorateError, type RequestOptions } from "@quorate/core";
import type { SagaInspection } from "../saga/inspect.ts";
import type { SagaRecord } from "../saga/record.ts";
import type { SagaControl, VerbOptions } from "../saga/sagas.ts";
import { checkTargetOf, checkVerb } from "../saga/verb-checks.ts";
import { type Deed, encodeErrand, type Errand, subjectOf } from "./errand.ts";
import { decodeReply, errorOf } from "./reply.ts";

/** `saga` with verbs that are carried out where its definition is served. */
export function remoteControl(
  backend: Backend,
  saga: SagaInspection,
  record: SagaRecord,
  options: RequestOptions,
): SagaControl {
  const send = async (deed: Deed, who: VerbOptions): Promise<void> => {
    const by = checkVerb(who);
    if ("target" in deed && deed.target !== undefined) checkTargetOf(deed.target);
    await sent(backend, { id: saga.id, deed, by }, record, options);
  };
  return {
    ...saga,
    retry: (target, by) => send({ verb: "retry", target }, by),
    skip: (target, by) => send({ verb: "skip", target }, by),
    resolve: (target, output, by) => send({ verb: "resolve", target, output }, by),
    cancel: (by) => send({ verb: "cancel" }, by),
    force: (state, { result, ...by }) => send({ verb: "force", state, result }, by),
  };
}

async function sent(
  backend: Backend,
  errand: Errand,
  record: SagaRecord,
  options: RequestOptions,
): Promise<void> {
  const data = encodeErrand(errand);
  const message = await backend.bus
    .request(subjectOf(record), data, options)
    .catch((error: unknown) => {
      throw withCure(error, errand, record);
    });
  const reply = decodeReply(message.data);
  if (!reply.ok) throw errorOf(reply, errand, record);
}

function withCure(error: unknown, { id, deed }: Errand, record: SagaRecord): unknown {
  const what = `${record.saga} v${record.version}`;
  if (isQuorateError(error, "NO_RESPONDERS")) {
    const text =
      `nobody who serves ${what} in this saga's shape hears verbs from outside: start a process ` +
      `that serves it with remoteVerbs, or act there by sagas.get(${JSON.stringify(id)})`;
    const { details } = error;
    return new QuorateError("NO_RESPONDERS", text, { effect: "none", details, cause: error });
  }
  if (isQuorateError(error, "TIMEOUT")) {
    const text =
      `no answer to ${deed.verb} within ${error.details.timeoutMs} ms: it may have been done; ` +
      `the audit of ${JSON.stringify(id)} says so, then ask again`;
    const { details } = error;
    return new QuorateError("TIMEOUT", text, { effect: "unknown", details, cause: error });
  }
  return error;
}
