/**
 * Handing the leadership to a candidate of one's choice.
 *
 * First the line is put in order, while the present leader still leads: the others let the named
 * one pass (`passage.ts`) until it is at the head. Only then the work is told to stop, and when it
 * has ended, the lease is given back, which hands it to the head in the same step.
 *
 * Guarantees: without such a candidate, or where the line cannot be put in order in time, nothing
 * has happened and the leader leads on. Does not guarantee that the named one leads in the end: it
 * may crash at any moment, and then the next in line does.
 */
import type { FencingToken, LeaseStore, LeaseWaiter, MessageBus } from "@quorate/core";
import { type Ms, type Runtime, sleep } from "@quorate/core";
import { notArranged, noCandidate } from "./election-errors.ts";
import { askToPass, type PassRequest } from "./passage.ts";
import { decodeStanding } from "./record.ts";

/** Between two looks at the line, and between two requests. */
const LOOK_MS = 20;
const ASK_AGAIN_MS = 200;

/** What the line is put in order with. */
export interface LineDesk {
  readonly name: string;
  /** Lease name, and bus subject. */
  readonly lease: string;
  readonly subject: string;
  readonly leases: LeaseStore;
  readonly bus: MessageBus;
  readonly runtime: Runtime;
}

/** Who shall lead next, and by when. */
export interface Wish {
  readonly to: string;
  readonly withinMs: Ms;
  readonly signal: AbortSignal | undefined;
}

/** Whether `waiter` is the candidate of that name. */
export function isNamed(waiter: LeaseWaiter, candidate: string): boolean {
  return decodeStanding(waiter.data).candidate === candidate;
}

/**
 * Brings the candidate to the head of the line.
 *
 * @throws NO_CANDIDATE it does not wait. TIMEOUT the others did not let it pass. The store's error.
 */
export async function bringToHead(desk: LineDesk, wish: Wish): Promise<void> {
  const { runtime, leases, lease, bus, subject } = desk;
  const { to, withinMs, signal } = wish;
  const endsMs = runtime.time.monotonicMs() + withinMs;
  const request: PassRequest = { id: runtime.ids.operation(), to };
  for (let askMs = -Infinity; ;) {
    const leftMs = endsMs - runtime.time.monotonicMs();
    const timeoutMs = Math.max(1, leftMs);
    const { waiters } = await leases.inspect(lease, { signal, ...(leftMs > 0 && { timeoutMs }) });
    const place = waiters.findIndex((waiter) => isNamed(waiter, to));
    if (place === -1) throw noCandidate(desk.name, to);
    if (place === 0) return;
    const nowMs = runtime.time.monotonicMs();
    if (nowMs >= endsMs) throw notArranged(desk.name, to, withinMs);
    if (nowMs - askMs >= ASK_AGAIN_MS) {
      await askToPass(bus, subject, request, signal);
      askMs = nowMs;
    }
    await sleep(runtime, Math.min(LOOK_MS, endsMs - nowMs), { signal });
  }
}

/** Who holds after `term`, waited for at most `withinMs`; `undefined`: nobody seen. */
export async function successorOf(
  desk: LineDesk,
  term: FencingToken,
  withinMs: Ms,
): Promise<{ readonly term: FencingToken; readonly candidate: string } | undefined> {
  const { runtime, leases, lease } = desk;
  const endsMs = runtime.time.monotonicMs() + withinMs;
  for (;;) {
    const state = await leases.inspect(lease).catch(() => undefined);
    const holder = state?.holders.find(({ fencingToken }) => fencingToken > term);
    if (holder !== undefined) {
      return { term: holder.fencingToken, candidate: decodeStanding(holder.data).candidate };
    }
    if (runtime.time.monotonicMs() >= endsMs) return undefined;
    await sleep(runtime, LOOK_MS);
  }
}
