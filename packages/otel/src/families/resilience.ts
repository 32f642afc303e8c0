/**
 * Breakers, retries, limits, hedges, fallbacks: what was kept away from a dependency, and why.
 *
 * Metrics only; the same events stand on the span that was active (`span-events.ts`).
 */
import type { Attributes } from "@opentelemetry/api";

import type { BreakerHeard } from "../events.ts";
import type { Family, Listener } from "../listeners.ts";
import type { MetricId } from "../names.ts";
import type { Telemetry } from "../telemetry.ts";

/** No call gets through in these. */
const SHUT: ReadonlySet<string> = new Set(["open", "isolated"]);

/** The limits, with the field of their events that is their name. */
const LIMITS = [
  { kind: "bulkhead", name: "bulkhead", refusal: "rejected", reason: "why", leaks: true },
  { kind: "adaptive", name: "limiter", refusal: "rejected", reason: "why", leaks: true },
  { kind: "admission", name: "admission", refusal: "shed", reason: "reason", leaks: true },
  { kind: "throttle", name: "throttle", refusal: "rejected", reason: "", leaks: false },
  { kind: "rate-limit", name: "limiter", refusal: "refused", reason: "", leaks: false },
] as const;

type Facts = Readonly<Record<string, unknown>>;

/** Hears `breaker.*`, `retry.*`, `hedge.*`, `fallback.*` and the limits. */
export function resilienceFamily(telemetry: Telemetry): Family {
  const text = (event: Facts, field: string): string => {
    const value = event[field];
    return typeof value === "string" ? value : "";
  };
  /** Counts an event under the name that its field `from` has. */
  const counts = (id: MetricId, kind: string, from: string, more: Attributes = {}): Listener => {
    const attribute = `quorate.${kind}.name`;
    return (event: Facts) => {
      const name = telemetry.name(attribute, text(event, from));
      telemetry.record(id, 1, { [attribute]: name, ...more });
    };
  };
  const channels: Record<string, Listener> = {
    ...breakerChannels(telemetry),
    "retry.retrying": counts("retryAttempts", "retry", "retry"),
    "retry.budget-empty": counts("retryExhausted", "retry", "retry", {
      "quorate.reason": "budget",
    }),
    "retry.exhausted": (event: Facts) => {
      const reason = { "quorate.reason": text(event, "reason") };
      const name = telemetry.name("quorate.retry.name", text(event, "retry"));
      telemetry.record("retryExhausted", 1, { "quorate.retry.name": name, ...reason });
    },
    "hedge.sent": counts("hedge", "hedge", "hedge", { "quorate.outcome": "sent" }),
    "hedge.won": counts("hedge", "hedge", "hedge", { "quorate.outcome": "won" }),
    "hedge.budget-empty": counts("hedge", "hedge", "hedge", { "quorate.outcome": "budget" }),
    "fallback.degraded": counts("fallback", "fallback", "fallback"),
  };
  for (const { kind, leaks, name, reason, refusal } of LIMITS) {
    const limitOf = (event: Facts): Attributes => ({
      "quorate.limit.kind": kind,
      "quorate.limit.name": telemetry.name(`quorate.limit.name ${kind}`, text(event, name)),
    });
    channels[`${kind}.${refusal}`] = (event: Facts) => {
      const why = { "quorate.reason": reason === "" ? refusal : text(event, reason) };
      telemetry.record("limitRejections", 1, { ...limitOf(event), ...why });
    };
    if (!leaks) continue;
    const leaked: Listener = (event: Facts) =>
      telemetry.record("limitLeaked", Number(event["leaked"]), limitOf(event));
    channels[`${kind}.leaked`] = leaked;
    channels[`${kind}.recovered`] = leaked;
  }
  return { channels };
}

function breakerChannels(telemetry: Telemetry): Record<string, Listener> {
  /** How many of a name this has seen shut: what was shut before is not counted when it opens. */
  const shut = new Map<string, number>();
  const named = (breaker: string) => ({
    "quorate.breaker.name": telemetry.name("quorate.breaker.name", breaker),
  });

  function transition({ breaker, from, reason, to }: BreakerHeard["transition"]): void {
    const of = named(breaker);
    const more = { "quorate.breaker.state": to, "quorate.reason": reason };
    telemetry.record("breakerTransitions", 1, { ...of, ...more });
    const change = Number(SHUT.has(to)) - Number(SHUT.has(from));
    const name = of["quorate.breaker.name"];
    const before = shut.get(name) ?? 0;
    if (change === 0 || before + change < 0) return;
    shut.set(name, before + change);
    telemetry.record("breakerOpen", change, of);
  }

  return {
    "breaker.transition": transition,
    "breaker.rejected": ({ breaker, state }: BreakerHeard["rejected"]) =>
      telemetry.record("breakerRejections", 1, {
        ...named(breaker),
        "quorate.breaker.state": state,
      }),
  };
}
