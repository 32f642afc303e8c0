/**
 * Snapshots of a breaker: what survives a restart.
 *
 * A process that is started for one request, or restarted in the middle of an outage, need not
 * find out again. A snapshot holds durations and no instants, because neither clock of the one who
 * reads it is that of the one who wrote it: what was left when it was taken is left when it is
 * restored. It is JSON, may come from anywhere, and is believed in nothing that it could harm with.
 */
import { invalidArgument, type Ms } from "@quorate/core";

import type { PhaseKind, PhaseRecord } from "./breaker-machine.ts";
import type { BreakerSettings } from "./breaker-options.ts";

/** State of a breaker, as JSON. Isolation by hand is not part of it, nor are single outcomes. */
export interface BreakerSnapshot extends PhaseRecord {
  readonly version: 1;
}

const STATES: ReadonlySet<unknown> = new Set<PhaseKind>(["closed", "open", "half-open", "ramping"]);
/** A ramp's length varies by a fifth. */
const LONGEST_RAMP = 1.2;

/** Checks a snapshot, and cuts its times to what `settings` would have allowed. */
export function readSnapshot(snapshot: BreakerSnapshot, settings: BreakerSettings): PhaseRecord {
  if (typeof snapshot !== "object" || snapshot === null) {
    throw invalidArgument("snapshot", snapshot, "a snapshot of a breaker");
  }
  const { version, state, openings, openForMs, rampForMs, rampMs } = snapshot;
  if (version !== 1) throw invalidArgument("snapshot.version", version, "1");
  if (!STATES.has(state)) throw invalidArgument("snapshot.state", state, [...STATES].join(", "));
  if (!Number.isSafeInteger(openings) || openings < 0) {
    throw invalidArgument("snapshot.openings", openings, "an integer >= 0");
  }
  const wholeRampMs = Math.min(timeIn("rampMs", rampMs, 0), settings.rampMs * LONGEST_RAMP);
  return {
    state,
    openings,
    openForMs: Math.min(timeIn("openForMs", openForMs, Infinity), settings.reset.maxMs),
    rampMs: wholeRampMs,
    rampForMs: Math.min(timeIn("rampForMs", rampForMs, 0), wholeRampMs),
  };
}

function timeIn(field: string, value: unknown, absent: Ms): Ms {
  if (value === undefined) return absent;
  if (typeof value === "number" && value >= 0) return value;
  throw invalidArgument(`snapshot.${field}`, value, "a duration >= 0 in ms");
}
