/**
 * Probes that fit any engine: distance, clocks, this machine's own timers, and a rehearsal.
 */
import { type Backend, isQuorateError, type Ms, type Runtime, scrub, sleep } from "@quorate/core";
import type { ClockFact, CommonFacts, Rehearsal } from "./facts.ts";

const TRIPS = { most: 40, least: 5, withinMs: 500 } as const;
const TIMERS = 5;
const TIMER_MS = 10;
/** Long enough for the slowest store, short enough to leave nothing behind. */
const LEASE_MS = 10_000;

/** How a probe asks, and how it may be ended. */
export interface Asking {
  readonly runtime: Runtime;
  readonly timeoutMs: Ms;
  readonly signal: AbortSignal;
}

/** What is measured the same way everywhere. */
export async function probeCommon(
  { runtime, signal }: Asking,
  ask: {
    readonly ttlMs: Ms;
    readonly ping?: () => Promise<unknown>;
    /** The server's time. */
    readonly serverMs?: () => Promise<Ms | undefined>;
  },
): Promise<CommonFacts> {
  const { ping, serverMs, ttlMs } = ask;
  return {
    nodeVersion: process.versions.node,
    ttlMs,
    tripsMs: ping === undefined ? [] : await roundTrips(runtime, ping),
    clock: serverMs === undefined ? undefined : await clockOf(runtime, serverMs),
    timersLateMs: await timersLate(runtime, signal),
  };
}

async function roundTrips({ time }: Runtime, ping: () => Promise<unknown>): Promise<Ms[]> {
  const trips: Ms[] = [];
  const startedMs = time.monotonicMs();
  while (trips.length < TRIPS.most) {
    const sentMs = time.monotonicMs();
    if (trips.length >= TRIPS.least && sentMs - startedMs > TRIPS.withinMs) break;
    await ping();
    trips.push(time.monotonicMs() - sentMs);
  }
  return trips.toSorted((left, right) => left - right);
}

/** From the middle of the shortest round trip that asked (Cristian's algorithm, 1989). */
async function clockOf(
  { time }: Runtime,
  serverMs: () => Promise<Ms | undefined>,
): Promise<ClockFact | undefined> {
  let best: ClockFact | undefined;
  for (let probe = 0; probe < TRIPS.least; probe++) {
    const sentMs = time.monotonicMs();
    const beforeMs = time.wallMs();
    const theirsMs = await serverMs();
    const errorMs = (time.monotonicMs() - sentMs) / 2;
    if (theirsMs === undefined) return undefined;
    if (best === undefined || errorMs < best.errorMs) {
      best = { offsetMs: beforeMs + errorMs - theirsMs, errorMs };
    }
  }
  return best;
}

async function timersLate(runtime: Runtime, signal: AbortSignal): Promise<Ms> {
  const late: Ms[] = [];
  for (let timer = 0; timer < TIMERS; timer++) {
    const setMs = runtime.time.monotonicMs();
    await sleep(runtime, TIMER_MS, { signal });
    late.push(runtime.time.monotonicMs() - setMs - TIMER_MS);
  }
  // The middle one: a single pause is nobody's illness.
  return late.toSorted((left, right) => left - right)[Math.floor(TIMERS / 2)] ?? 0;
}

/** A lock, a record and a subscription, as services use them; nothing of it is left behind. */
export async function rehearse(backend: Backend): Promise<Rehearsal> {
  const { bus, kv, leases, runtime } = backend;
  const owner = runtime.ids.operation();
  const name = `doctor/${owner}`;
  try {
    await backend.ready();
    const grant = await leases.acquire(name, { owner, ttlMs: LEASE_MS });
    if (grant.granted) {
      await leases.renew([grant]);
      await leases.release(grant);
    }
    await kv.put(name, "x", { ttlMs: LEASE_MS });
    await kv.delete(name);
    const subscription = await bus.subscribe(name, () => {});
    await bus.publish(name, new Uint8Array(0));
    await subscription.close();
    return { kind: "passed" };
  } catch (error) {
    if (!isQuorateError(error)) throw error;
    const feature = isQuorateError(error, "UNSUPPORTED") ? error.details.feature : undefined;
    return { kind: "failed", code: error.code, feature, message: scrub(error.message) };
  }
}
