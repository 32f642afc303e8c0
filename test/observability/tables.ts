/**
 * The tables of docs/observability.md, made of the data that they are about.
 *
 * `node -C @quorate/source --import tsx test/observability/tables.ts` prints them, to be pasted.
 */
import { pathToFileURL } from "node:url";

import { CHANNELS } from "@quorate/core";
import { METRICS, SPAN_EVENTS, SPANS } from "@quorate/otel";

import { channelsInSources } from "./channels.ts";

const code = (text: string): string => `\`${text}\``;
const list = (texts: readonly string[]): string => texts.map(code).join(", ");

/** One row for each channel. */
export function channelRows(): string[] {
  const types = channelsInSources();
  return [...CHANNELS].map(([name, { level, when }]) => {
    const events = list(types.get(name) ?? []);
    return `| ${code(`quorate:${name}`)} | ${events} | ${level} | ${when} |`;
  });
}

/** One row for each metric. */
export function metricRows(): string[] {
  return Object.values(METRICS).map(
    ({ attributes, description, kind, name, unit }) =>
      `| ${code(name)} | ${kind} | ${code(unit)} | ${list(attributes)} | ${description} |`,
  );
}

/** One row for each span. */
export function spanRows(): string[] {
  return SPANS.map(
    ({ attributes, covers, kind, name }) =>
      `| ${code(name)} | ${kind} | ${covers} | ${list(attributes)} |`,
  );
}

/** The events that stand on spans. */
export function spanEvents(): string {
  return list(SPAN_EVENTS.map((channel) => `quorate.${channel}`));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const parts = [channelRows(), spanRows(), [spanEvents()], metricRows()];
  process.stdout.write(`${parts.map((rows) => rows.join("\n")).join("\n\n")}\n`);
}
