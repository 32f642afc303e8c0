/**
 * What an outcome makes of a record: pure, so that it can be computed anew on whatever is there.
 *
 * Messages are taken away by their ids, never by their number or place: between the read and the
 * write of a relay a writer may have added some, and another relay may have taken some.
 */
import type { Ms } from "@quorate/core";

import type { OutboxRecord } from "./record.ts";
import type { Outcome } from "./source.ts";

/** The record after `outcome`; the same object where that changes nothing. */
export function settled(record: OutboxRecord, outcome: Outcome, nowMs: Ms): OutboxRecord {
  const delivered = new Set(outcome.delivered);
  const dead = new Map(outcome.dead.map((one) => [one.id, one]));
  const failed = new Map(outcome.failed.map((one) => [one.id, one.attempts]));
  const isTouched = record.outbox.some(
    ({ id, attempts }) =>
      delivered.has(id) || dead.has(id) || (failed.get(id) ?? attempts) > attempts,
  );
  if (!isTouched) return record;
  const buried = record.outbox.flatMap((message) => {
    const end = dead.get(message.id);
    if (end === undefined || delivered.has(message.id)) return [];
    return [{ ...message, attempts: end.attempts, problem: end.problem, deadAtMs: nowMs }];
  });
  const outbox = record.outbox
    .filter(({ id }) => !delivered.has(id) && !dead.has(id))
    .map((message) => {
      const attempts = Math.max(message.attempts, failed.get(message.id) ?? 0);
      return { ...message, attempts };
    });
  return { ...record, outbox, dead: [...record.dead, ...buried] };
}

/** True when nothing of the record is left to keep. */
export function isEmpty({ stateText, outbox, dead }: OutboxRecord): boolean {
  return stateText === "" && outbox.length === 0 && dead.length === 0;
}
