/**
 * A schedule's ticks: each ran once, or was said to be missed.
 */
import { Findings, type InvariantReport } from "./report.ts";

/** Input of `checkTicks`. Ticks are named by their scheduled wall time in ms. */
export interface TickRecords {
  /** The schedule's name. @default "" */
  readonly key?: string;
  readonly scheduled: Iterable<number>;
  /** One for each run, whoever ran it. */
  readonly ran: Iterable<number>;
  /** Ticks that were declared missed. @default none */
  readonly missed?: Iterable<number>;
}

/**
 * Every scheduled tick ran exactly once, or never and was declared missed; nothing else ran.
 *
 * @example
 * const report = checkTicks({ scheduled: [0, 60_000, 120_000], ran: [0, 120_000, 120_000] });
 * console.log(report.violationCount); // 2: one lost in silence, one run twice
 */
export function checkTicks({
  key = "",
  scheduled,
  ran,
  missed = [],
}: TickRecords): InvariantReport {
  const findings = new Findings();
  const runs = new Map<number, number>();
  for (const tick of ran) runs.set(tick, (runs.get(tick) ?? 0) + 1);
  const declared = new Set(missed);
  const planned = new Set(scheduled);
  for (const tick of planned) {
    const count = runs.get(tick) ?? 0;
    if (count > 1) findings.add(key, `tick ${tick} ran ${count} times`);
    if (count === 0 && !declared.has(tick)) findings.add(key, `tick ${tick} was lost in silence`);
    if (count > 0 && declared.has(tick)) findings.add(key, `tick ${tick} ran and is called missed`);
  }
  for (const tick of new Set([...runs.keys(), ...declared])) {
    if (!planned.has(tick)) findings.add(key, `tick ${tick} was never scheduled`);
  }
  return findings.report(planned.size);
}
