/**
 * The doctor: is this server fit for us, and how far away is it?
 *
 * What it measures is the round trip, and the offset of our clock: a fencing token is the store's
 * time in microseconds, so one grant tells it. What is wrong or risky about the server, the engine
 * says, each with its cure.
 */
import type { Backend, Ms } from "@quorate/core";
import type { Command, Row } from "../command.ts";

const PROBES = 50;
/** A wall clock that is further off makes cron judge ticks early or late. */
const MOST_OFFSET_MS = 1_000;
/** Beyond it every lock pays more than people expect. */
const SLOW_MS = 50;
const LEASE_MS = 1_000;

/** `quorate doctor`. */
export const doctor: Command = {
  path: ["doctor"],
  args: [],
  summary: "the server, its settings, the distance, the clocks: what is wrong, and the cure",
  async run({ q, show, say }) {
    const { backend } = q;
    const health = await backend.health();
    const trips = await roundTrips(backend);
    const offsetMs = await clockOffset(backend);
    const { capabilities } = backend;
    const rows: Row[] = [
      { check: "server", found: health.server ?? backend.name, ok: health.ok },
      {
        check: "round trip p50, p99",
        found: shownTrips(trips),
        ok: percentile(trips, 50) <= SLOW_MS,
      },
      {
        check: "our clock against the server's",
        found: `${offsetMs >= 0 ? "+" : ""}${offsetMs.toFixed(1)} ms`,
        ok: Math.abs(offsetMs) <= MOST_OFFSET_MS,
      },
      { check: "a write survives", found: SURVIVES[capabilities.writes], ok: true },
      { check: "a lease alone is worth", found: capabilities.leaseSafety, ok: true },
      ...health.warnings.map((warning) => ({ check: "set-up", found: warning, ok: false })),
    ];
    rows.push(...advice(trips, offsetMs));
    show(
      rows.map(({ ok, ...row }) => ({ ok: ok === true ? "✓" : "✗", ...row })),
      "",
    );
    const wrong = rows.filter(({ ok }) => ok !== true).length;
    say(wrong === 0 ? "all is well" : `${wrong} to look at`);
    return wrong === 0 ? 0 : 1;
  },
};

const SURVIVES = {
  quorum: "the loss of a minority of servers",
  single: "nothing that the one server does not survive",
  "async-replicas": "not every failover: use a guard",
} as const;

function advice(trips: readonly Ms[], offsetMs: Ms): Row[] {
  const rows: Row[] = [];
  if (Math.abs(offsetMs) > MOST_OFFSET_MS) {
    const found = "set the clock of this machine by NTP: cron judges its ticks by it";
    rows.push({ check: "cure", found, ok: false });
  }
  if (percentile(trips, 50) > SLOW_MS) {
    const found = "a lock costs two round trips: use a server that is nearer";
    rows.push({ check: "cure", found, ok: false });
  }
  return rows;
}

async function roundTrips({ kv, runtime }: Backend): Promise<readonly Ms[]> {
  const trips: Ms[] = [];
  for (let probe = 0; probe < PROBES; probe++) {
    const startedMs = runtime.time.monotonicMs();
    await kv.get("doctor");
    trips.push(runtime.time.monotonicMs() - startedMs);
  }
  return trips.sort((left, right) => left - right);
}

/** Ours minus the server's, from the middle of the round trip that asked. */
async function clockOffset({ leases, runtime }: Backend): Promise<Ms> {
  const owner = runtime.ids.operation();
  const name = `doctor/${owner}`;
  const beforeMs = runtime.time.wallMs();
  const grant = await leases.acquire(name, { owner, ttlMs: LEASE_MS });
  const afterMs = runtime.time.wallMs();
  if (!grant.granted) return 0;
  await leases.release(grant);
  return (beforeMs + afterMs) / 2 - grant.fencingToken / 1_000;
}

function shownTrips(trips: readonly Ms[]): string {
  return `${percentile(trips, 50).toFixed(2)} ms, ${percentile(trips, 99).toFixed(2)} ms`;
}

function percentile(sorted: readonly Ms[], percent: number): Ms {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
