/**
 * Leadership: one leader a term, and terms that grow.
 *
 * Two processes may believe at once (the old one may be paused), but never with the same term,
 * and what the old one does carries the smaller number, so that it can be refused.
 */
import { Findings, type InvariantReport } from "./report.ts";

/** Somebody learned that it leads. */
export interface Leadership {
  /** What was campaigned for. @default "" */
  readonly key?: string;
  readonly term: number;
  readonly leader: string;
  /** When it was told, on the history's clock. */
  readonly fromMs: number;
}

/**
 * At most one leader for each term, and whoever was told later has the greater term.
 *
 * @example
 * const report = checkLeaders([
 *   { term: 4, leader: "a", fromMs: 0 },
 *   { term: 4, leader: "b", fromMs: 900 },
 * ]);
 * console.log(report.violations[0]?.message);
 */
export function checkLeaders(leaderships: Iterable<Leadership>): InvariantReport {
  const findings = new Findings();
  const byTime = [...leaderships].sort((a, b) => a.fromMs - b.fromMs);
  const leaders = new Map<string, string>();
  const highest = new Map<string, Leadership>();
  for (const leadership of byTime) {
    const { key = "", term, leader, fromMs } = leadership;
    const id = JSON.stringify([key, term]);
    const other = leaders.get(id);
    if (other !== undefined && other !== leader) {
      findings.add(key, `${leader} and ${other} both led term ${term}`);
    }
    leaders.set(id, leader);
    const before = highest.get(key);
    if (before !== undefined && before.fromMs < fromMs && before.term > term) {
      findings.add(key, `${leader} got term ${term} after ${before.leader} had ${before.term}`);
    }
    if (before === undefined || term > before.term) highest.set(key, leadership);
  }
  return findings.report(byTime.length);
}
