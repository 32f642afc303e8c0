/**
 * What is heard of many channels alike: warnings and errors are counted, and some events stand on
 * the span that is active when they are told.
 */
import { type Attributes, trace } from "@opentelemetry/api";
import { CHANNELS } from "@quorate/core";

import type { Family, Listener } from "../listeners.ts";
import { SPAN_EVENTS } from "../names.ts";
import type { Telemetry } from "../telemetry.ts";

/** Counts the events of every channel that is a warning or an error. */
export function incidentsFamily(telemetry: Telemetry): Family {
  const channels: Record<string, Listener> = {};
  for (const [channel, { level }] of CHANNELS) {
    if (level !== "warn" && level !== "error") continue;
    const attributes = { "quorate.channel": channel, "quorate.level": level };
    channels[channel] = () => telemetry.record("incidents", 1, attributes);
  }
  return { channels };
}

/** Puts events on the active span, with their words and numbers. */
export function spanEventsFamily(): Family {
  const channels: Record<string, Listener> = {};
  for (const channel of SPAN_EVENTS) {
    channels[channel] = (event: Readonly<Record<string, unknown>>) => {
      const span = trace.getActiveSpan();
      if (span?.isRecording() === true) span.addEvent(`quorate.${channel}`, plain(event));
    };
  }
  return { channels };
}

/** Keys and ids stay away: the span that knows them has them, by the policy for keys. */
const HIDDEN: ReadonlySet<string> = new Set(["key", "scope", "id"]);
const MAX_CHARACTERS = 128;

function plain(event: Readonly<Record<string, unknown>>): Attributes {
  const attributes: Attributes = {};
  for (const [field, value] of Object.entries(event)) {
    if (HIDDEN.has(field)) continue;
    if (typeof value === "string") attributes[`quorate.${field}`] = value.slice(0, MAX_CHARACTERS);
    if (typeof value === "number" || typeof value === "boolean") {
      attributes[`quorate.${field}`] = value;
    }
  }
  return attributes;
}
