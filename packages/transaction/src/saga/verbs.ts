/**
 * Operators' verbs: each one write, on top of whoever drives the saga.
 *
 * Whether a verb applies is the machine's table. The write keeps the owner where there is one, who
 * hears of it by a nudge and goes on from what is there now; what nobody drives is taken by this
 * process.
 */
import type { Json } from "@quorate/core";
import type { Stored } from "../kernel/contract.ts";
import { letGoOf, type SagaDesk } from "./desk.ts";
import { definitionChangedError, wrongStateError } from "./errors.ts";
import type { Verb } from "./inputs.ts";
import { advance, phaseOf } from "./machine.ts";
import { type AuditEntry, MAX_AUDIT, type SagaRecord } from "./record.ts";
import type { VerbOptions } from "./sagas.ts";
import { tell } from "./tell.ts";
import { checkTargetOf, checkVerb } from "./verb-checks.ts";

const TRIES = 20;

/** Carries out `verb`. @throws WRONG_STATE, DEFINITION_CHANGED, INVALID_ARGUMENT */
export async function carryOut(
  desk: SagaDesk,
  id: string,
  verb: Verb,
  options: VerbOptions,
): Promise<void> {
  const { by, why } = checkVerb(options);
  const target = "target" in verb ? (verb.target ?? "") : "";
  if (target !== "") checkTargetOf(target);
  for (let tries = 1; ; tries += 1) {
    const stored = await desk.station.read(id);
    if (stored === undefined) throw wrongStateError(id, verb.kind, "gone");
    const model = desk.modelOf(stored.record);
    if (model === undefined) throw definitionChangedError(id, stored.record);
    const nowMs = desk.backend.runtime.time.wallMs();
    const { move, record } = advance(stored.record, verb, model, nowMs);
    if (move === "refuse") {
      throw wrongStateError(id, verb.kind, phaseOf(stored.record, model));
    }
    if (record === stored.record) return;
    const entry = { verb: verb.kind, target, by, why, atMs: nowMs };
    if (await write(desk, stored, audited(record, entry), verb)) {
      const { saga, version } = record;
      const { verb: channel } = desk.events;
      if (channel.hasSubscribers) {
        channel.publish({ saga, version, id, verb: verb.kind, target, by, why });
      }
      return;
    }
    if (tries >= TRIES) throw wrongStateError(id, verb.kind, "written by others all the time");
  }
}

/** True: stored. */
async function write(
  desk: SagaDesk,
  stored: Stored<SagaRecord>,
  next: SagaRecord,
  verb: Verb,
): Promise<boolean> {
  const { station } = desk;
  const isIdle = next.owner === "" && next.endedAtMs === undefined;
  const ours = isIdle ? await station.ownership() : undefined;
  const owned =
    ours === undefined
      ? next
      : { ...next, owner: ours.owner, fence: Math.max(ours.fence, next.fence + 1) };
  const held = await station.replace(stored, owned);
  if (held === undefined) return false;
  tell(desk.events, stored.id, verb, stored.record, owned);
  await letGoOf(desk, owned);
  if (ours === undefined) station.nudge(stored.id);
  else void station.drive(held);
  return true;
}

function audited(record: SagaRecord, entry: AuditEntry): SagaRecord {
  return { ...record, audit: [...record.audit, entry].slice(-MAX_AUDIT) };
}

/** What an operator says that a step came to, as a payload. */
export async function payloadOf(
  desk: SagaDesk,
  id: string,
  value: Json | undefined,
): Promise<ReturnType<SagaDesk["payloads"]["inline"]>> {
  const text = desk.payloads.encode(value, id);
  if (text === undefined) return undefined;
  return desk.payloads.inline(text) ?? (await desk.payloads.store(text, id, undefined));
}
