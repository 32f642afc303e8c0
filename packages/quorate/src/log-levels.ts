/**
 * How loud one event is: mostly as its channel, sometimes by what it tells.
 *
 * A breaker that opens is a warning, one that closes is not; a job that ran well is nothing to log,
 * one that failed is.
 */
import { CHANNELS, type EventLevel } from "@quorate/core";

type Facts = Readonly<Record<string, unknown>>;

const ORDER: readonly EventLevel[] = ["debug", "info", "warn", "error"];

/** By `kind` of an event: what is not named is `usual`. */
function byKind(
  usual: EventLevel,
  kinds: Readonly<Record<string, EventLevel>>,
): (event: Facts) => EventLevel {
  const levels = new Map(Object.entries(kinds));
  return ({ kind }) => levels.get(String(kind)) ?? usual;
}

const JUDGES: ReadonlyMap<string, (event: Facts) => EventLevel> = new Map([
  ["breaker.transition", ({ to }: Facts) => breakerLevel(to)],
  ["cron.ended", ({ outcome }: Facts) => (outcome === "done" ? "debug" : "warn")],
  [
    "cron.declared",
    ({ outcome }: Facts) => (String(outcome).startsWith("skipped") ? "info" : "warn"),
  ],
  ["idempotency.ended", ({ how }: Facts) => (how === "not-stored" ? "warn" : "debug")],
  ["discovery.panic", ({ isPanic }: Facts) => (isPanic === true ? "warn" : "info")],
  ["discovery.draining", ({ step }: Facts) => (step === "unmarked" ? "warn" : "info")],
  ["transaction.worker", byKind("debug", { lost: "warn", refused: "warn" })],
  ["rpc.orphans", byKind("info", { stale: "warn" })],
  ["bus", byKind("warn", { "handler-failed": "error" })],
  ["nats", byKind("warn", { "link-up": "info" })],
  [
    "delivery",
    byKind("debug", { "handler-failed": "error", "send-failed": "warn", malformed: "warn" }),
  ],
]);

function breakerLevel(to: unknown): EventLevel {
  if (to === "open" || to === "isolated") return "warn";
  return to === "closed" || to === "forced-closed" ? "info" : "debug";
}

/** How loud `event` of `channel` is. */
export function levelOf(channel: string, event: object): EventLevel {
  return JUDGES.get(channel)?.(event as Facts) ?? CHANNELS.get(channel)?.level ?? "debug";
}

/** Whether an event of `channel` can be as loud as `least`. */
export function mayReach(channel: string, least: EventLevel): boolean {
  const level = CHANNELS.get(channel)?.level ?? "debug";
  return JUDGES.has(channel) || ORDER.indexOf(level) >= ORDER.indexOf(least);
}
