/**
 * A watch: in order, nothing invented, nothing lost.
 */
import { Findings, type InvariantReport } from "./report.ts";

/** A change of a key, by its revision. */
export interface WatchedChange {
  readonly key: string;
  readonly revision: number;
}

/** Input of `checkWatch`. */
export interface WatchRecords {
  /** All changes that were made, in any order. */
  readonly written: Iterable<WatchedChange>;
  /** What one watch delivered, in the order of delivery, since it was whole. */
  readonly seen: Iterable<WatchedChange>;
  /** Whether changes between two delivered ones may be skipped. @default true, as our kv's watch */
  readonly coalesced?: boolean;
  /** Whether the watch has had the time to deliver the last state of each key. @default true */
  readonly complete?: boolean;
}

/**
 * Per key the revisions delivered grow, each was written, none between is missing (unless
 * `coalesced`), and the last one written arrived (if `complete`).
 *
 * @example
 * const report = checkWatch({
 *   written: [{ key: "x", revision: 1 }, { key: "x", revision: 2 }],
 *   seen: [{ key: "x", revision: 1 }],
 * });
 * console.log(report.violations[0]?.message); // the last change did not arrive
 */
export function checkWatch(records: WatchRecords): InvariantReport {
  const { coalesced = true, complete = true } = records;
  const findings = new Findings();
  const written = new Map<string, number[]>();
  for (const { key, revision } of records.written) {
    const revisions = written.get(key);
    if (revisions === undefined) written.set(key, [revision]);
    else revisions.push(revision);
  }
  for (const revisions of written.values()) revisions.sort((a, b) => a - b);
  const places = new Map<string, Map<number, number>>();
  for (const [key, revisions] of written) {
    places.set(key, new Map(revisions.map((revision, index) => [revision, index])));
  }
  const last = new Map<string, number>();
  let checked = 0;
  for (const { key, revision } of records.seen) {
    checked += 1;
    const place = places.get(key)?.get(revision);
    const before = last.get(key);
    if (place === undefined) {
      findings.add(key, `revision ${revision} was delivered and never written`);
      continue;
    }
    if (before !== undefined && place <= before) {
      findings.add(key, `revision ${revision} was delivered again or too late`);
    } else if (before !== undefined && !coalesced && place > before + 1) {
      findings.add(key, `${place - before - 1} changes before revision ${revision} were skipped`);
    }
    last.set(key, Math.max(place, before ?? -1));
  }
  for (const [key, revisions] of written) {
    if (complete && last.get(key) !== revisions.length - 1) {
      findings.add(key, `the last change, revision ${revisions.at(-1)}, did not arrive`);
    }
  }
  return findings.report(checked);
}
