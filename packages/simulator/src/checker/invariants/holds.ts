/**
 * Holds never overlap beyond the capacity.
 *
 * Counted is the time in which a client surely held: from the return of its acquire to the call of
 * its release, and with leases not beyond (call of the acquire or of the last acknowledged
 * renewal) + ttl - slack. Two such times that overlap are two believers, and both were right to
 * believe. Finds what the linearizability check of a lock finds, but for the little that hides
 * within a call; in one pass over each key, sorted.
 */
import { type Json, knownOptions, nonNegative, positive, positiveInteger } from "@quorate/core";
import type { History, Operation } from "../history/history.ts";
import { claimFields } from "../models/claims.ts";
import { Findings, type InvariantReport } from "./report.ts";

/** Options of `checkHolds`. */
export interface HoldsOptions {
  /** What fits at once. @default 1 */
  readonly capacity?: number;
  /** Length of a lease. @default holds do not end by themselves */
  readonly ttlMs?: number;
  /** How much sooner a lease may end by the history's clock. @default 0 */
  readonly slackMs?: number;
}

interface Hold {
  readonly key: string;
  readonly owner: string;
  readonly weight: number;
  readonly fromMs: number;
  leaseFromMs: number;
  untilMs: number;
}

/**
 * Judges the `acquire`, `renew` and `release` operations of `history`, as the lock models know
 * them; others are passed over. A claim weighs `weight`, a writer (`mode: "write"`) everything.
 *
 * @example
 * const recorder = new HistoryRecorder();
 * const [a, b] = [recorder.process("a"), recorder.process("b")];
 * a.invoke({ f: "acquire", k: "L" }).ok();
 * b.invoke({ f: "acquire", k: "L" }).ok();
 * console.log(checkHolds(recorder.history()).violations[0]?.message);
 */
export function checkHolds(history: History, options: HoldsOptions = {}): InvariantReport {
  knownOptions("options", options, ["capacity", "ttlMs", "slackMs"]);
  const capacity = positiveInteger("capacity", options.capacity ?? 1);
  const ttlMs = options.ttlMs === undefined ? Infinity : positive("ttlMs", options.ttlMs);
  const afterMs = ttlMs - nonNegative("slackMs", options.slackMs ?? 0);
  const findings = new Findings();
  const holds = holdsOf(history, capacity);
  for (const hold of holds) hold.untilMs = Math.min(hold.untilMs, hold.leaseFromMs + afterMs);
  for (const group of groupByKey(holds).values()) sweep(group, capacity, findings);
  return findings.report(holds.length);
}

function holdsOf({ operations }: History, capacity: number): Hold[] {
  const holds: Hold[] = [];
  const current = new Map<string, Map<Json, Hold>>();
  for (const operation of operations) {
    const { key, process, calledMs, returnedMs, outcome, result, f } = operation;
    const owner = claimFields(operation.argument)["owner"] ?? process;
    let holders = current.get(key);
    if (holders === undefined) current.set(key, (holders = new Map<Json, Hold>()));
    const acknowledged = outcome === "ok" && result !== false;
    if (f === "acquire" && acknowledged) {
      const hold: Hold = {
        key,
        owner: typeof owner === "string" ? owner : process,
        weight: weightOf(operation, capacity),
        fromMs: returnedMs,
        leaseFromMs: calledMs,
        untilMs: Infinity,
      };
      holders.set(owner, hold);
      holds.push(hold);
    }
    const hold = holders.get(owner);
    if (hold === undefined) continue;
    if (f === "renew" && acknowledged) hold.leaseFromMs = calledMs;
    if (f === "release") {
      hold.untilMs = Math.min(hold.untilMs, calledMs);
      holders.delete(owner);
    }
  }
  return holds;
}

function weightOf({ argument }: Operation, capacity: number): number {
  const { weight, mode } = claimFields(argument);
  if (mode === "write") return capacity;
  return typeof weight === "number" ? weight : 1;
}

function groupByKey(holds: readonly Hold[]): Map<string, Hold[]> {
  const groups = new Map<string, Hold[]>();
  for (const hold of holds) {
    const group = groups.get(hold.key);
    if (group === undefined) groups.set(hold.key, [hold]);
    else group.push(hold);
  }
  return groups;
}

function sweep(holds: readonly Hold[], capacity: number, findings: Findings): void {
  const real = holds.filter(({ fromMs, untilMs }) => untilMs > fromMs);
  const byStart = real.toSorted((a, b) => a.fromMs - b.fromMs);
  const byEnd = real.toSorted((a, b) => a.untilMs - b.untilMs);
  const held = new Set<Hold>();
  let used = 0;
  let ended = 0;
  for (const hold of byStart) {
    for (; (byEnd[ended]?.untilMs ?? Infinity) <= hold.fromMs; ended++) {
      const over = byEnd[ended] as Hold;
      used -= over.weight;
      held.delete(over);
    }
    used += hold.weight;
    if (used > capacity) {
      const others = [...held].slice(0, 3).map(({ owner }) => owner);
      const who = `${hold.owner} held from ${hold.fromMs} ms, together with ${others.join(", ")}`;
      findings.add(hold.key, `${who}: ${used} of ${capacity}`);
    }
    held.add(hold);
  }
}
