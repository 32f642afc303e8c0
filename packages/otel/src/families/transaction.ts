/**
 * TCC, two-phase commit, takeovers and the outbox.
 */
import { context } from "@opentelemetry/api";

import type { OutboxHeard, TransactionHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import type { Telemetry } from "../telemetry.ts";
import { aroundWork } from "../work.ts";

/** Hears `tcc.*`, `two-phase.*` and `transaction.*`. `nowMs` is a monotonic clock. */
export function transactionFamily(telemetry: Telemetry, nowMs: () => number): Family {
  const nameOf = (name: string) => ({
    "quorate.tcc.name": telemetry.name("quorate.tcc.name", name),
  });

  function calling(event: TransactionHeard["calling"]): void {
    const { around, attempt, doing, id } = event;
    const named = nameOf(event.name);
    const participant = telemetry.name("quorate.tcc.participant", event.participant);
    const of = { ...named, "quorate.tcc.participant": participant, "quorate.tcc.doing": doing };
    const span = telemetry.begin(`tcc ${named["quorate.tcc.name"]}.${participant} ${doing}`, {
      attributes: { ...of, ...telemetry.key("quorate.tcc.id", id), "quorate.tcc.attempt": attempt },
    });
    const sinceMs = nowMs();
    around(
      aroundWork(span, context.active(), ({ outcome, ...rest }) => {
        const error = "error" in rest ? { "error.type": rest.error } : {};
        span.setAttribute("quorate.outcome", outcome);
        const attributes = { ...of, "quorate.outcome": outcome, ...error };
        telemetry.time("tccCall", nowMs() - sinceMs, attributes);
      }),
    );
  }

  return {
    channels: {
      "tcc.calling": calling,
      "tcc.ended": ({ name, state }: TransactionHeard["tccEnded"]) =>
        telemetry.record("tccEnded", 1, { ...nameOf(name), "quorate.outcome": state }),
      "two-phase.ended": ({ decision, inDoubtMs }: TransactionHeard["twoPhaseEnded"]) =>
        telemetry.time("inDoubt", inDoubtMs, { "quorate.outcome": decision }),
      "transaction.takeover": ({ collection, won }: TransactionHeard["takeover"]) =>
        telemetry.record("takeovers", 1, {
          "quorate.transaction.collection": telemetry.name("collection", collection),
          "quorate.transaction.won": won,
        }),
    },
  };
}

/** Hears `outbox.*`. */
export function outboxFamily(telemetry: Telemetry): Family {
  const nameOf = (outbox: string) => ({
    "quorate.outbox.name": telemetry.name("quorate.outbox.name", outbox),
  });
  return {
    channels: {
      "outbox.delivered": ({ ageMs, outbox }: OutboxHeard["delivered"]) =>
        telemetry.time("outboxAge", ageMs, nameOf(outbox)),
      "outbox.lag": ({ lagMs, outbox, partition, pending }: OutboxHeard["lag"]) => {
        const of = { ...nameOf(outbox), "quorate.outbox.partition": partition };
        telemetry.time("outboxLag", lagMs, of);
        telemetry.record("outboxPending", pending, of);
      },
    },
  };
}
