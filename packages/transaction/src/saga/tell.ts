/**
 * Events of one write, told from what it changed.
 */
import type { SagaEvents } from "./events.ts";
import type { Input } from "./inputs.ts";
import type { SagaRecord } from "./record.ts";

/** Tells what `input` made of `before`. */
export function tell(
  events: SagaEvents,
  id: string,
  input: Input,
  before: SagaRecord,
  after: SagaRecord,
): void {
  const { saga, version } = after;
  const subject = { saga, version, id };
  if (events.step.hasSubscribers) {
    const step = "step" in input ? input.step : "";
    const attempts = after.steps.get(step)?.attempts ?? 0;
    events.step.publish({ ...subject, step, what: input.kind, attempts });
  }
  const { decision } = after;
  if (decision !== undefined && before.decision === undefined && events.decided.hasSubscribers) {
    events.decided.publish({ ...subject, cause: decision.cause, step: decision.step });
  }
  if (after.stuck.size > 0 && events.stuck.hasSubscribers) {
    for (const [what, { isParked }] of after.stuck) {
      if (!before.stuck.has(what)) events.stuck.publish({ ...subject, what, isParked });
    }
  }
  const isEnd = after.state === "done" || after.state === "compensated";
  if (isEnd && after.state !== before.state && events.ended.hasSubscribers) {
    const tookMs = Math.max(0, (after.endedAtMs ?? after.createdAtMs) - after.createdAtMs);
    events.ended.publish({ ...subject, state: after.state, tookMs });
  }
}
