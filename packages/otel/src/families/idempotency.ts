/**
 * Calls under a key: which ran, which were answered from the store, which were refused.
 */
import type { Span } from "@opentelemetry/api";

import type { IdempotencyHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import { Pending } from "../pending.ts";
import { fail, type Telemetry } from "../telemetry.ts";

/** Hears `idempotency.*`. */
export function idempotencyFamily(telemetry: Telemetry): Family {
  const runs = new Pending<Span>();
  const count = (outcome: string): void =>
    telemetry.record("idempotency", 1, { "quorate.outcome": outcome });

  function claimed(event: IdempotencyHeard["claimed"]): void {
    const { attempt, fencingToken, key } = event;
    const span = telemetry.begin("idempotency run", {
      attributes: {
        ...telemetry.key("quorate.idempotency.key", key),
        "quorate.idempotency.attempt": attempt,
        "quorate.fencing_token": fencingToken,
      },
    });
    runs.begin(nameOf(event), span);
  }

  function end(event: IdempotencyHeard["superseded"], outcome: string, code?: string): void {
    const span = runs.end(nameOf(event));
    if (span === undefined && code === undefined) return; // Superseded, and counted as that.
    count(outcome);
    span?.setAttribute("quorate.outcome", outcome);
    if (span !== undefined && code !== undefined) fail(span, code);
    span?.end();
  }

  return {
    channels: {
      "idempotency.claimed": claimed,
      "idempotency.ended": (event: IdempotencyHeard["ended"]) => end(event, event.how),
      "idempotency.superseded": (event: IdempotencyHeard["superseded"]) =>
        end(event, "superseded", "IDEMPOTENCY_SUPERSEDED"),
      "idempotency.replayed": () => count("replayed"),
      "idempotency.mismatch": () => count("mismatch"),
    },
    close: () => runs.drain().forEach((span) => span.end()),
  };
}

function nameOf({ fencingToken, key, scope = "" }: IdempotencyHeard["superseded"]): string {
  return `${fencingToken} ${scope.length} ${scope} ${key}`;
}
