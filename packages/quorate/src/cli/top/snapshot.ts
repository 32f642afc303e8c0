/**
 * What `top` shows, as it is read: a few sections of rows.
 *
 * Guarantees: the cost of a look is bounded, whatever is in the store: at most `MOST_LISTED`
 * entries of each of eight listings, and one read for each of `MOST_LEADERS` leaders. What is left
 * out is said. A section that cannot be read says why, and the others are there.
 */
import { isQuorateError, type LeaseState, type Ms } from "@quorate/core";
import { nextTick } from "@quorate/cron";
import type { Quorate } from "../../quorate.ts";
import type { Row } from "../command.ts";

/** Entries of one listing that are looked at. */
export const MOST_LISTED = 500;
/** Leaders whose terms are read. */
export const MOST_LEADERS = 25;

const ELECTIONS = "lock/election/";
/** Locks that are something else to people: leaderships, and lives of the workers of sagas. */
const OWN = [ELECTIONS, "lock/transaction-workers/"];
const LOCKS = ["lock/", "semaphore/", "rw/"] as const;
const MEMBERS = "member/";

/** One kind of thing. */
export interface Section {
  readonly name: string;
  /** What the rows do not say. */
  readonly summary: string;
  readonly rows: readonly Row[];
  /** There is more than was looked at. */
  readonly isCut: boolean;
  /** Somebody should look at it. */
  readonly isBad: boolean;
}

/** One look. */
export interface Snapshot {
  readonly at: Date;
  readonly server: string;
  /** How long the look took. */
  readonly tookMs: Ms;
  readonly sections: readonly Section[];
}

type Part = (q: Quorate, nowMs: Ms, signal: AbortSignal) => Promise<Omit<Section, "name">>;

const PARTS: readonly (readonly [name: string, part: Part])[] = [
  ["locks", locks],
  ["leaders", leaders],
  ["jobs", jobs],
  ["sagas", sagas],
  ["idempotency", keys],
  ["members", members],
];

/** Looks once. */
export async function look(q: Quorate, signal: AbortSignal): Promise<Snapshot> {
  const { time } = q.backend.runtime;
  const nowMs = time.wallMs();
  const beganMs = time.monotonicMs();
  const sections = await Promise.all(
    PARTS.map(async ([name, part]) => ({ name, ...(await part(q, nowMs, signal).catch(unread)) })),
  );
  signal.throwIfAborted();
  const { server = q.backend.name } = await q.health();
  return { at: new Date(nowMs), server, tookMs: time.monotonicMs() - beganMs, sections };
}

function unread(error: unknown): Omit<Section, "name"> {
  const why = isQuorateError(error) ? error.message : String(error);
  return { summary: `✗ ${why}`, rows: [], isCut: false, isBad: true };
}

/** The first `most` of what comes. */
async function first<T>(
  all: AsyncIterable<T>,
  most: number,
): Promise<{ readonly items: T[]; readonly isCut: boolean }> {
  const items: T[] = [];
  for await (const item of all) {
    if (items.length === most) return { items, isCut: true };
    items.push(item);
  }
  return { items, isCut: false };
}

async function locks(...[q, , signal]: Parameters<Part>): ReturnType<Part> {
  const families = await Promise.all(
    LOCKS.map((prefix) => first(q.backend.leases.list(prefix, { signal }), MOST_LISTED)),
  );
  const states = families.flatMap(({ items }) => items);
  const held = states.filter(({ name }) => !OWN.some((prefix) => name.startsWith(prefix)));
  const waiting = held.reduce((sum, { waiters }) => sum + waiters.length, 0);
  return {
    summary: `${held.length} held, ${waiting} wait`,
    // Those that somebody waits for first: they are why one looks.
    rows: held.flatMap(holdersOf).toSorted((left, right) => right.waiting - left.waiting),
    isCut: families.some(({ isCut }) => isCut),
    isBad: false,
  };
}

function holdersOf({ name, holders, waiters }: LeaseState): (Row & { readonly waiting: number })[] {
  return holders.map(({ data, fencingToken, expiresInMs }) => ({
    lock: name,
    waiting: waiters.length,
    left: forPeople(expiresInMs),
    token: fencingToken,
    holder: data,
  }));
}

async function leaders(...[q, nowMs, signal]: Parameters<Part>): ReturnType<Part> {
  const { items, isCut } = await first(q.backend.leases.list(ELECTIONS, { signal }), MOST_LEADERS);
  const rows = items.map(async ({ name, waiters }) => {
    const election = name.slice(ELECTIONS.length);
    const leader = await q.elect(election).leader();
    return {
      election,
      leader: leader?.candidate,
      term: leader?.term,
      age: leader?.sinceMs === undefined ? undefined : forPeople(nowMs - leader.sinceMs),
      waiting: waiters.length,
    };
  });
  const summary = `${items.length} elections`;
  return { summary, rows: await Promise.all(rows), isCut, isBad: false };
}

async function jobs(...[q, nowMs, signal]: Parameters<Part>): ReturnType<Part> {
  const { items, isCut } = await first(q.cron.list({ signal }), MOST_LISTED);
  const rows = items.map(({ name, schedule, judgedUntil, running, counts, paused }) => {
    const next = paused === undefined ? nextTick(schedule, new Date(nowMs)) : undefined;
    return {
      job: name,
      next: next === undefined ? undefined : `in ${forPeople(next.getTime() - nowMs)}`,
      last: `${forPeople(nowMs - judgedUntil.getTime())} ago`,
      running: running.map(({ by }) => by).join(" "),
      failed: counts.failed,
      missed: counts.missed,
      paused: paused?.why,
    };
  });
  const running = items.filter((job) => job.running.length > 0).length;
  return { summary: `${items.length} jobs, ${running} running`, rows, isCut, isBad: false };
}

async function sagas(...[q, nowMs, signal]: Parameters<Part>): ReturnType<Part> {
  const { items, isCut } = await first(q.sagas.list({ signal }), MOST_LISTED);
  const counts = new Map<string, number>();
  for (const { state } of items) counts.set(state, (counts.get(state) ?? 0) + 1);
  const stuck = items.filter((saga) => saga.stuck.length > 0);
  const states = [...counts].map(([state, count]) => `${count} ${state}`);
  return {
    summary: [...states, `${stuck.length} stuck`].join(", "),
    rows: stuck.map((saga) => ({
      stuck: saga.id,
      saga: `${saga.saga} v${saga.version}`,
      state: saga.state,
      age: forPeople(nowMs - saga.createdAtMs),
      why: saga.stuck.map(({ what, reason }) => `${what}: ${reason}`).join("; "),
    })),
    isCut,
    isBad: stuck.length > 0,
  };
}

async function keys(...[q, , signal]: Parameters<Part>): ReturnType<Part> {
  const { items, isCut } = await first(q.once.list({ signal }), MOST_LISTED);
  const rows = items.flatMap((key) =>
    key.state === "in-flight"
      ? [{ key: key.key, scope: key.scope, left: forPeople(key.leaseLeftMs), attempt: key.attempt }]
      : [],
  );
  return {
    summary: `${rows.length} in flight, ${items.length} remembered`,
    rows,
    isCut,
    isBad: false,
  };
}

async function members(...[q, , signal]: Parameters<Part>): ReturnType<Part> {
  const { items, isCut } = await first(q.backend.leases.list(MEMBERS, { signal }), MOST_LISTED);
  const groups = new Map<string, string[]>();
  for (const { name, holders } of items) {
    if (holders.length === 0) continue;
    const at = name.lastIndexOf("/");
    const group = name.slice(MEMBERS.length, at);
    groups.set(group, [...(groups.get(group) ?? []), name.slice(at + 1)]);
  }
  return {
    summary: `${groups.size} groups`,
    rows: [...groups].map(([group, ids]) => {
      return { group, alive: ids.length, members: ids.join(" ") };
    }),
    isCut,
    isBad: false,
  };
}

/** A duration in its one largest unit. */
export function forPeople(ms: Ms): string {
  const abs = Math.max(0, ms);
  if (abs < 1_000) return `${Math.round(abs)} ms`;
  if (abs < 60_000) return `${(abs / 1_000).toFixed(1)} s`;
  if (abs < 3_600_000) return `${Math.floor(abs / 60_000)} min`;
  if (abs < 172_800_000) return `${Math.floor(abs / 3_600_000)} h`;
  return `${Math.floor(abs / 86_400_000)} d`;
}
