/** Claims 4 and 5: a lock that many want all the time. */
import { OURS } from "../contenders/catalogue.ts";
import type { Contender } from "../contenders/contender.ts";
import { nowMs } from "../harness/clock.ts";
import { breakdown, countCommands, total } from "../harness/command-counter.ts";
import type { GrantTimes } from "../harness/fleet.ts";
import type { Claim, Section } from "../harness/report.ts";
import { jainIndex, median, quantile } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import { type Environment, TTL_MS } from "./environment.ts";

const HOLD_MS = 2;
const CROWD = 8;
const CROWDS = [2, 8, 32, 128] as const;
const COMMANDS_BAR = 2;
const JAIN_BAR = 0.99;
/** Two calls in two processes that are closer than this came at the same time. */
const SAME_TIME_MS = 1;
/**
 * The line is ordered by arrival at the store, which no caller sees. A process that loses its core
 * between noting the time and sending looks overtaken and is not.
 */
const OVERTAKEN_BAR = 0.01;
const LEAD_MS = 15;

/** A hot loop: who got the lock, when. */
async function hotLoop(
  { fleet, name }: Environment,
  contender: Contender,
  load: { readonly crowd: number; readonly lastsMs: number },
): Promise<{ readonly grants: readonly GrantTimes[]; readonly startMs: number }> {
  const lock = name("hot");
  const startMs = nowMs() + LEAD_MS;
  const grants = await fleet.deal(load.crowd, (waiters) => ({
    kind: "loop",
    id: contender.id,
    name: lock,
    ttlMs: TTL_MS,
    waiters,
    holdMs: HOLD_MS,
    startMs,
    endMs: startMs + load.lastsMs,
  }));
  for (const [index, grant] of grants.entries()) {
    const before = grants[index - 1];
    if (before !== undefined && grant.acquiredMs < before.releasedMs) {
      throw new Error(`${contender.id}: two held the lock at once`);
    }
  }
  return { grants, startMs };
}

/** Claim 4: the price of a hand-over does not grow with the line. */
export async function measureCommands(environment: Environment): Promise<Section> {
  const { url, entrants, quick } = environment;
  const lastsMs = quick ? 300 : 1_000;
  const rows: string[][] = [];
  const ours: number[] = [];
  for (const { contender } of entrants) {
    const crowds = contender.id === OURS ? CROWDS : [CROWD];
    for (const crowd of crowds) {
      const counter = await countCommands(url);
      const { grants } = await hotLoop(environment, contender, { crowd, lastsMs });
      const commands = await counter.stop();
      const perGrant = total(commands, contender.id) / grants.length;
      if (contender.id === OURS) ours.push(perGrant);
      const sent = breakdown(commands, contender.id);
      rows.push([contender.title, String(crowd), figure(perGrant), `${grants.length}`, sent]);
    }
  }
  const worst = Math.max(...ours);
  return {
    title: "Commands per grant under sustained contention",
    method:
      `W waiters in 4 processes acquire, hold ${HOLD_MS} ms, release and come back, for ` +
      `${lastsMs} ms. Everything that clients send from the first acquire to the last release, ` +
      "by MONITOR; what a script does inside the server is not a round trip and is left out.",
    tables: [{ head: ["library", "W", "commands/grant", "grants", "sent"], rows }],
    claims: [
      {
        name: `client commands per grant from ${CROWDS[0]} to ${CROWDS.at(-1)} waiters, the worst`,
        bar: `≤ ${COMMANDS_BAR.toFixed(1)}, to one decimal: subscriptions and upkeep are counted`,
        measured: worst.toFixed(2),
        held: ours.length === CROWDS.length && Number(worst.toFixed(1)) <= COMMANDS_BAR,
      },
    ],
  };
}

/** Claim 5: everybody gets as much, in the order in which they came. */
export async function measureFairness(environment: Environment): Promise<Section> {
  const { entrants, quick } = environment;
  const lastsMs = quick ? 800 : 3_000;
  const rows: string[][] = [];
  let claims: Claim[] = [];
  for (const { contender } of entrants) {
    const { grants, startMs } = await hotLoop(environment, contender, { crowd: CROWD, lastsMs });
    const within = grants.filter(({ acquiredMs }) => acquiredMs <= startMs + lastsMs);
    const shares = sharesOf(within);
    const waits = grants.map(({ startedMs, acquiredMs }) => acquiredMs - startedMs);
    const jain = jainIndex(shares);
    const overtaken = inversions(grants);
    rows.push([
      contender.title,
      figure((within.length / lastsMs) * 1_000),
      `${Math.min(...shares)}..${Math.max(...shares)}`,
      jain.toFixed(3),
      `${figure((overtaken / grants.length) * 100)} %`,
      `${figure(median(waits))} / ${figure(quantile(waits, 1))}`,
    ]);
    if (contender.id === OURS) claims = claimsOf(jain, overtaken, grants.length);
  }
  const head = ["library", "grants/s", "per waiter", "Jain", "overtook", "wait ms p50 / longest"];
  const tables: Table[] = [{ head, rows }];
  return {
    title: "Fairness in a hot loop",
    method:
      `${CROWD} waiters in 4 processes, hold ${HOLD_MS} ms, think 0, ${lastsMs} ms. Overtook: ` +
      `grants given while somebody waited who had come more than ${SAME_TIME_MS} ms earlier. Two ` +
      "holders at once would end the run with an error; none was seen.",
    tables,
    claims,
  };
}

function claimsOf(jain: number, overtaken: number, grants: number): Claim[] {
  return [
    {
      name: "Jain's index of grants per waiter",
      bar: `≥ ${JAIN_BAR}`,
      measured: jain.toFixed(4),
      held: jain >= JAIN_BAR,
    },
    {
      name: "first come, first served",
      bar: `≤ ${OVERTAKEN_BAR * 100} % of grants overtook, seen from the callers`,
      measured: `${overtaken} of ${grants}`,
      held: overtaken <= grants * OVERTAKEN_BAR,
    },
  ];
}

function sharesOf(grants: readonly GrantTimes[]): number[] {
  const shares = Array.from({ length: CROWD }, () => 0);
  for (const { waiter } of grants) shares[waiter] = (shares[waiter] ?? 0) + 1;
  return shares;
}

/** Grants, in order of time, after which somebody was served who had been waiting longer. */
function inversions(grants: readonly GrantTimes[]): number {
  let oldestLater = Infinity;
  let count = 0;
  for (const grant of grants.toReversed()) {
    if (oldestLater < grant.startedMs - SAME_TIME_MS) count += 1;
    oldestLater = Math.min(oldestLater, grant.startedMs);
  }
  return count;
}
