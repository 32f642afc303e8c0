/**
 * What must hold of the claims around one fault, judged from outside.
 *
 * Exclusion: a claim is surely held between two checks that passed; at no instant may such times
 * add up to more than there is. Tokens: who asks after another was granted gets a greater one.
 * Guarded counters: no acknowledged write is lost, none is overwritten by an earlier holder.
 */
import {
  checkLinearizable,
  type ClaimState,
  fencedMutex,
  type Model,
  permits,
  readWriteLock,
} from "@quorate/simulator/checker";

import type { Exclusion } from "./fault.ts";
import { historyOfHolds } from "./history.ts";
import type { Hold } from "./holds.ts";
import { type Kind, PERMITS, PRIMITIVE_OF, type Primitive, PRIMITIVES } from "./protocol.ts";

/** What was found. Empty: nothing was wrong. */
export interface Verdict {
  readonly violations: readonly string[];
}

/** What the fault left standing. */
export interface Expected {
  readonly exclusion: Exclusion;
  readonly data: "kept" | "lost";
}

/** How much of its primitive a claim takes. */
const WEIGHT: Readonly<Record<Kind, number>> = { lock: 1, permit: 1, read: 1, write: 1_000 };
const CAPACITY: Readonly<Record<Primitive, number>> = {
  lock: 1,
  semaphore: PERMITS,
  "read-write lock": 1_000,
};

const MODEL: Readonly<Record<Primitive, Model<ClaimState>>> = {
  lock: fencedMutex(),
  semaphore: permits({ capacity: PERMITS }),
  "read-write lock": readWriteLock(),
};

/** Judges `holds`; `broken` are bugs that the workers told of. */
export function judge(
  holds: readonly Hold[],
  broken: readonly string[],
  expected: Expected,
): Verdict {
  const violations = [...broken];
  for (const primitive of PRIMITIVES) {
    const own = holds.filter(({ kind }) => PRIMITIVE_OF[kind] === primitive);
    violations.push(...judgeTokens(primitive, own));
    if (expected.exclusion === "kept") violations.push(...judgeExclusion(primitive, own));
    if (expected.exclusion === "kept") violations.push(...judgeHistory(primitive, own));
  }
  for (const kind of ["lock", "write"] as const) {
    const own = holds.filter((hold) => hold.kind === kind);
    violations.push(...(expected.data === "kept" ? judgeCounter(kind, own) : []));
  }
  return { violations };
}

/** Sweeps over the beginnings and ends of sure holding. */
export function judgeExclusion(primitive: Primitive, holds: readonly Hold[]): string[] {
  const edges = holds.flatMap((hold) => {
    // From the end of the first check to the beginning of the last: surely, not perhaps.
    const fromMs = hold.believed.at(0)?.toMs;
    const toMs = hold.believed.at(-1)?.fromMs;
    if (fromMs === undefined || toMs === undefined || toMs <= fromMs) return [];
    return [
      { atMs: fromMs, hold, begins: true },
      { atMs: toMs, hold, begins: false },
    ];
  });
  // Ends before beginnings of the same instant: they do not overlap.
  edges.sort((a, b) => a.atMs - b.atMs || Number(a.begins) - Number(b.begins));
  const violations: string[] = [];
  const holding = new Set<Hold>();
  let taken = 0;
  for (const { hold, begins } of edges) {
    taken += (begins ? 1 : -1) * WEIGHT[hold.kind];
    if (begins) holding.add(hold);
    else holding.delete(hold);
    if (!begins || taken <= CAPACITY[primitive]) continue;
    const who = [...holding].map(({ id, token }) => `${id} (token ${token})`).join(", ");
    violations.push(`${primitive}: held at one time by ${who}`);
  }
  return violations;
}

/** The whole history, by the checker: what a sweep cannot see, it does. */
function judgeHistory(primitive: Primitive, holds: readonly Hold[]): string[] {
  const history = historyOfHolds(primitive, holds);
  const verdict = checkLinearizable<ClaimState>(history, MODEL[primitive]);
  if (verdict.verdict === "ok") return [];
  return [verdict.verdict === "illegal" ? verdict.explanation.text : `${primitive}: undecided`];
}

function judgeTokens(primitive: Primitive, holds: readonly Hold[]): string[] {
  const violations: string[] = [];
  const granted = holds.filter(({ heldMs }) => heldMs !== undefined);
  for (const earlier of granted) {
    for (const later of granted) {
      const isAfter = (earlier.heldMs ?? 0) < later.askedMs;
      if (!isAfter || (earlier.token ?? 0) < (later.token ?? 0)) continue;
      const [before, after] = [earlier, later].map(({ id, token }) => `${id} got ${token}`);
      violations.push(`${primitive}: tokens went back: ${before}, then ${after}`);
    }
  }
  return violations;
}

function judgeCounter(kind: Kind, holds: readonly Hold[]): string[] {
  const violations: string[] = [];
  const acknowledged = holds.filter(({ wroteMs }) => wroteMs !== undefined);
  for (const earlier of acknowledged) {
    for (const later of holds) {
      if (later.writing === undefined || later === earlier) continue;
      const isAfter = (earlier.wroteMs ?? 0) < later.writing.atMs;
      if (!isAfter || (earlier.writing?.count ?? 0) < later.writing.count) continue;
      // What was read before a later holder wrote may be stale; then it must have been refused.
      if (later.wroteMs === undefined) continue;
      violations.push(
        `guarded ${kind}: ${earlier.id} was told that it wrote ${earlier.writing?.count}, ` +
          `then ${later.id} wrote ${later.writing.count}`,
      );
    }
  }
  const counts = acknowledged.map(({ writing }) => writing?.count);
  if (new Set(counts).size < counts.length) {
    violations.push(`guarded ${kind}: one number was acknowledged to two writers`);
  }
  return violations;
}
