/**
 * What runs came to, for people.
 */
import type { SimulationReport } from "@quorate/simulator";

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly report: SimulationReport;
  /** Processor time of all threads. */
  readonly cpuMs: number;
}

const HEAD = ["", "seeds", "simulated", "× real", "× CPU", "events/s", "CPU s", "violations"];

/** Seeds, times, speeds and violations, a row each. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, report, cpuMs }) => [
    name,
    String(report.seeds),
    duration(report.simulatedMs),
    whole(report.speed),
    whole(report.simulatedMs / cpuMs),
    whole(report.eventsPerSecond),
    (cpuMs / 1_000).toFixed(1),
    String(report.failures.length),
  ]);
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  return [HEAD, ...cells]
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .join("\n");
}

/** What happened, by kind: faults, what was done, what was told. */
export function happenings(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const { report } of rows) {
    for (const [name, count] of report.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const of = (prefix: string): [string, number][] =>
    [...counts]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, count]): [string, number] => [name.slice(prefix.length), count])
      .sort(([, a], [, b]) => b - a);
  const rest = [...counts].filter(([name]) => !/^(fault|mark|event)\./.test(name));
  const unknown = counts.get("mark.told OUTCOME_UNKNOWN") ?? 0;
  const lines: [string, [string, number][]][] = [
    ["faults", of("fault.")],
    ["marks", of("mark.")],
    ["events", of("event.")],
    ["rare paths", rest],
    ["unknown outcomes", [["", unknown]]],
  ];
  return lines.map(([title, found]) => `${title}: ${listed(found)}`).join("\n");
}

function listed(found: readonly [string, number][]): string {
  const texts = found.map(([name, count]) => `${name} ${whole(count)}`.trim());
  return texts.length === 0 ? "none" : texts.join(", ");
}

/** Digits in threes. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** As people say it. */
export function duration(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours >= 48) return `${(hours / 24).toFixed(1)} days`;
  return hours >= 1 ? `${hours.toFixed(1)} h` : `${(ms / 60_000).toFixed(1)} min`;
}
