/** Claim 3: how long a crowd waits after one release. */
import { load, OURS } from "../contenders/catalogue.ts";
import type { ContenderId } from "../contenders/contender.ts";
import { nowMs, sleep } from "../harness/clock.ts";
import type { GrantTimes } from "../harness/fleet.ts";
import type { Claim, Section } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import { median, quantile } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";
import { type Entrant, type Environment, TTL_MS } from "./environment.ts";

const CROWDS = [1, 8, 32] as const;
const DRAIN_BAR_MS = 15;
const WAKE_BAR_MS = 1;
/** Between the arrivals of two waiters: enough to tell who came first. */
const STAGGER_MS = 2;
/** After the last arrival: everybody waits. */
const SETTLE_MS = 60;
/** The slowest poll that is not random; the release must not always fall into one phase of it. */
const POLL_MS = 100;
const GOLDEN = 0.618;
/** Before the first: the order has reached every process. */
const LEAD_MS = 15;

interface Drain {
  /** Release call to next acquire, for each hand-over. */
  readonly wakesMs: readonly number[];
  /** First release call to last acquire. */
  readonly drainMs: number;
  /** Share of waiters served in the place in which they came. */
  readonly inPlace: number;
}

/** Measures the three crowds. */
export async function measureDrain(environment: Environment): Promise<Section> {
  const rounds = environment.quick ? 2 : 6;
  const fast = await load("redlock5-fast");
  const tuned: Entrant = { contender: fast, session: await fast.open(environment.url) };
  const entrants = [...environment.entrants, tuned];
  const drains = new Map<number, Map<Entrant, Drain[]>>();
  for (const crowd of CROWDS) {
    const samples = await interleave(entrants, rounds, (entrant, round) =>
      drainOnce(environment, entrant, {
        crowd,
        phaseMs: ((round + 1) * GOLDEN * POLL_MS) % POLL_MS,
      }),
    );
    drains.set(crowd, samples);
  }
  await tuned.session.close();
  return {
    title: "Cold drain: one holder lets go, W waiters in 4 processes each acquire once",
    method:
      `${rounds} interleaved rounds. Waiters come ${STAGGER_MS} ms apart; 60 to 160 ms after the ` +
      "last, another pause in each round, the holder lets go; each waiter lets go at once. " +
      "Wake: from a release call to the next acquire, in whatever process. Drained: from the " +
      "holder's release call until the last waiter was served. In place: served in the order of " +
      "arrival. Milliseconds.",
    tables: [tableOf(entrants, drains)],
    claims: claimsOf((crowd) => {
      const ours = entrants.find(({ contender }) => contender.id === OURS);
      return (ours && drains.get(crowd)?.get(ours)) ?? [];
    }),
  };
}

async function drainOnce(
  { fleet, name }: Environment,
  { contender, session }: Entrant,
  { crowd, phaseMs }: { readonly crowd: number; readonly phaseMs: number },
): Promise<Drain> {
  const lock = name("drain");
  const held = await session.acquire(lock, { ttlMs: TTL_MS });
  const firstMs = nowMs() + LEAD_MS;
  const served = fleet.deal(crowd, (waiters) => ({
    kind: "wait",
    id: contender.id,
    name: lock,
    ttlMs: TTL_MS,
    waiters: waiters.map((waiter) => ({ waiter, startMs: firstMs + waiter * STAGGER_MS })),
  }));
  await sleep(firstMs + crowd * STAGGER_MS + SETTLE_MS + phaseMs - nowMs());
  const releasedMs = nowMs();
  const [grants] = await Promise.all([served, held.release()]);
  return drainOf(contender.id, grants, releasedMs);
}

function drainOf(id: ContenderId, grants: readonly GrantTimes[], releasedMs: number): Drain {
  const wakesMs: number[] = [];
  let freeMs = releasedMs;
  for (const grant of grants) {
    if (grant.acquiredMs < freeMs) throw new Error(`${id}: two held the lock at once`);
    wakesMs.push(grant.acquiredMs - freeMs);
    freeMs = grant.releasedMs;
  }
  const arrivals = grants.toSorted((a, b) => a.startedMs - b.startedMs);
  const inPlace = grants.filter((grant, place) => grant === arrivals[place]).length;
  const drainMs = (grants.at(-1)?.acquiredMs ?? Number.NaN) - releasedMs;
  return { wakesMs, drainMs, inPlace: inPlace / grants.length };
}

function tableOf(
  entrants: readonly Entrant[],
  drains: ReadonlyMap<number, ReadonlyMap<Entrant, readonly Drain[]>>,
): Table {
  const rows = entrants.map((entrant) => {
    const cells = CROWDS.flatMap((crowd) => {
      const own = drains.get(crowd)?.get(entrant) ?? [];
      const wakes = own.flatMap(({ wakesMs }) => wakesMs);
      if (crowd === 1) return [figure(median(wakes))];
      const drainsMs = own.map(({ drainMs }) => drainMs);
      return [
        `${figure(median(wakes))} / ${figure(quantile(wakes, 0.99))}`,
        `${figure(median(drainsMs))} (${figure(Math.max(...drainsMs))})`,
      ];
    });
    const crowd = drains.get(32)?.get(entrant) ?? [];
    const inPlace = median(crowd.map((drain) => drain.inPlace));
    return [entrant.contender.title, ...cells, `${Math.round(inPlace * 100)} %`];
  });
  const head = [
    "library",
    "W=1 wake p50",
    "W=8 wake p50 / p99",
    "W=8 drained (max)",
    "W=32 wake p50 / p99",
    "W=32 drained (max)",
    "W=32 in place",
  ];
  return { head, rows };
}

function claimsOf(ours: (crowd: number) => readonly Drain[]): Claim[] {
  const drainedMs = median(ours(32).map(({ drainMs }) => drainMs));
  const wakeClaims = [8, 32].map((crowd): Claim => {
    const wakeMs = median(ours(crowd).flatMap(({ wakesMs }) => wakesMs));
    return {
      name: `wake p50 with ${crowd} waiters`,
      bar: `≤ ${figure(WAKE_BAR_MS)} ms`,
      measured: `${figure(wakeMs)} ms`,
      held: wakeMs <= WAKE_BAR_MS,
    };
  });
  const drained: Claim = {
    name: "32 waiters in 4 processes served after one release (median of rounds)",
    bar: `≤ ${figure(DRAIN_BAR_MS)} ms`,
    measured: `${figure(drainedMs)} ms`,
    held: drainedMs <= DRAIN_BAR_MS,
  };
  return [drained, ...wakeClaims];
}
