/**
 * Fencing tokens grow, and what a resource accepts never goes back.
 *
 * Both are about real time: what had returned before something else was called came before it.
 * Calls that overlap may have come in either order. One pass each.
 */
import type { Json } from "@quorate/core";
import type { History } from "../history/history.ts";
import { claimFields } from "../models/claims.ts";
import { Findings, type InvariantReport } from "./report.ts";

/**
 * The token of every grant (result of `acquire`) is greater than those of all grants of the key
 * that had returned before it was asked for, and no two grants have the same.
 *
 * @example
 * const recorder = new HistoryRecorder();
 * recorder.process("a").invoke({ f: "acquire", k: "L" }).ok(8);
 * recorder.process("b").invoke({ f: "acquire", k: "L" }).ok(7);
 * console.log(checkTokens(recorder.history()).ok); // false
 */
export function checkTokens(history: History): InvariantReport {
  const findings = new Findings();
  const owners = new Map<string, string>();
  const checked = eachAfter(
    history,
    "acquire",
    ({ result }) => numberOf(result),
    (step) => {
      const { key, process, value, highestBefore } = step;
      const id = JSON.stringify([key, value]);
      const other = owners.get(id);
      owners.set(id, process);
      if (other !== undefined) findings.add(key, `${process} and ${other} both got token ${value}`);
      else if (value <= highestBefore) {
        findings.add(key, `${process} got token ${value} after ${highestBefore} had been granted`);
      }
    },
  );
  return findings.report(checked);
}

/**
 * The token of every accepted write (`write { token }`, result not `false`) is at least that of
 * all writes of the key that had been accepted before it was asked for: nobody who was
 * overtaken writes.
 *
 * @example
 * const recorder = new HistoryRecorder();
 * recorder.process("new").invoke({ f: "write", k: "stock", v: { token: 8 } }).ok(true);
 * recorder.process("old").invoke({ f: "write", k: "stock", v: { token: 7 } }).ok(true);
 * console.log(checkFencedWrites(recorder.history()).ok); // false
 */
export function checkFencedWrites(history: History): InvariantReport {
  const findings = new Findings();
  const tokenOf: TokenOf = ({ argument, result }) =>
    result === false ? undefined : numberOf(claimFields(argument)["token"] ?? null);
  const checked = eachAfter(history, "write", tokenOf, ({ key, process, value, highestBefore }) => {
    if (value >= highestBefore) return;
    findings.add(key, `${process} wrote with token ${value} after one with ${highestBefore}`);
  });
  return findings.report(checked);
}

type TokenOf = (operation: { argument: Json; result: Json }) => number | undefined;

interface TokenStep {
  readonly key: string;
  readonly process: string;
  readonly value: number;
  /** Greatest token that had been told when this was asked for. */
  readonly highestBefore: number;
}

/** Calls `judge` for each acknowledged `f` with a token; returns how many there were. */
function eachAfter(
  { events, operations }: History,
  f: string,
  tokenOf: TokenOf,
  judge: (step: TokenStep) => void,
): number {
  const highest = new Map<string, number>();
  const before = new Map<number, number>();
  const byOp = new Map(
    operations
      .filter((operation) => operation.f === f && operation.outcome === "ok")
      .map((operation) => [operation.op, operation]),
  );
  let judged = 0;
  for (const event of events) {
    const operation = byOp.get(event.op);
    const value = operation === undefined ? undefined : tokenOf(operation);
    if (operation === undefined || value === undefined) continue;
    const { key, process } = operation;
    if (event.type === "invoke") {
      before.set(event.op, highest.get(key) ?? -Infinity);
      continue;
    }
    judged += 1;
    judge({ key, process, value, highestBefore: before.get(event.op) ?? -Infinity });
    before.delete(event.op);
    highest.set(key, Math.max(value, highest.get(key) ?? -Infinity));
  }
  return judged;
}

function numberOf(value: Json): number | undefined {
  return typeof value === "number" ? value : undefined;
}
