/**
 * Histories to judge: clients of one object that does one thing at a time, from a seed.
 *
 * Every client is always busy, so with 20 of them about 20 calls overlap at any moment, which is
 * harder than what a real test records. Spoiled means that one answer is a lie.
 */
import { type History, type HistoryEvent, historyOf } from "@quorate/simulator/checker";

/** A number in [0, 1). */
type Dice = () => number;

/** How large and how bad. */
export interface Shape {
  readonly kind: "register" | "unique" | "cas" | "mutex" | "leases";
  readonly operations: number;
  readonly clients: number;
  /** Share of outcomes that are unknown; half of those calls have happened. */
  readonly unknown?: number;
  readonly spoiled?: boolean;
  readonly keys?: number;
  readonly seed: number;
}

/** The lease's length of `leases`, in the histories' time. */
export const LEASE_MS = 200;

interface Call {
  readonly op: number;
  readonly client: number;
  readonly p: string;
  readonly f: string;
  readonly k: string;
  readonly v: HistoryEvent["v"];
}

/** The value, lock or token counter of one key. */
interface Cell {
  value: number;
  holder: string | undefined;
  untilMs: number;
  token: number;
}

/** A history of `shape`. */
export function makeHistory(shape: Shape): History {
  const dice = diceOf(shape.seed);
  const { operations, clients, unknown = 0, keys = 1 } = shape;
  const events: HistoryEvent[] = [];
  const cells = new Map<string, Cell>();
  const open: Call[] = [];
  const lives = Array.from({ length: clients }, () => 0);
  const held = new Map<number, { readonly k: string; readonly p: string }>();
  let t = 0;
  for (let op = 0; op < operations || open.length > 0;) {
    t += dice();
    if (op < operations && open.length < clients) {
      const busy = new Set(open.map(({ client }) => client));
      const client = lives.findIndex((_, index) => !busy.has(index));
      const p = `c${client}.${lives[client] ?? 0}`;
      const hold = held.get(client);
      const k = hold?.k ?? `k${Math.floor(dice() * keys)}`;
      const call = { op, client, p, k, ...ask(shape, dice, op, hold?.p === p) };
      open.push(call);
      const { v } = call;
      events.push({ t, p, op, type: "invoke", f: call.f, k, ...(v === undefined ? {} : { v }) });
      op += 1;
      continue;
    }
    const [call] = open.splice(Math.floor(dice() * open.length), 1);
    if (call === undefined) continue;
    const lost = dice() < unknown;
    const cell = cells.get(call.k) ?? { value: 0, holder: undefined, untilMs: 0, token: 0 };
    cells.set(call.k, cell);
    const answer = lost && dice() < 0.5 ? null : happen(shape, cell, call, t);
    if (call.f === "acquire" && !lost && answer !== false) held.set(call.client, call);
    if (call.f === "release" || lost) held.delete(call.client);
    if (lost) lives[call.client] = (lives[call.client] ?? 0) + 1;
    const about = { t, p: call.p, op: call.op, f: call.f };
    events.push(lost ? { ...about, type: "info" } : { ...about, type: "ok", v: answer ?? null });
  }
  if (shape.spoiled === true) spoil(events, dice);
  return historyOf(events);
}

function ask(
  { kind }: Shape,
  dice: Dice,
  op: number,
  holds: boolean,
): { readonly f: string; readonly v: HistoryEvent["v"] } {
  if (kind === "mutex" || kind === "leases") return { f: holds ? "release" : "acquire", v: null };
  const value = kind === "unique" ? op + 1 : Math.floor(dice() * 5);
  const what = dice();
  if (what < 0.5) return { f: "read", v: null };
  if (kind === "cas" && what < 0.75) return { f: "cas", v: [Math.floor(dice() * 5), value] };
  return { f: "write", v: value };
}

function happen({ kind }: Shape, cell: Cell, { f, p, v }: Call, t: number): HistoryEvent["v"] {
  if (f === "read") return cell.value;
  if (f === "write") cell.value = v as number;
  if (f === "write") return null;
  if (f === "cas") {
    const [expected, value] = v as [number, number];
    if (cell.value !== expected) return false;
    cell.value = value;
    return true;
  }
  if (kind === "leases" && cell.untilMs <= t) cell.holder = undefined;
  if (f === "release") {
    if (cell.holder !== p) return false;
    cell.holder = undefined;
    return true;
  }
  if (cell.holder !== undefined) return false;
  cell.holder = p;
  // The store counts from a moment after the call; never before it.
  cell.untilMs = t + LEASE_MS;
  cell.token += 1;
  return cell.token;
}

/** Turns one answer in the second half into one that was right earlier: a stale read, a refund. */
function spoil(events: HistoryEvent[], dice: Dice): void {
  for (let tries = 0; tries < 1_000; tries++) {
    const at = Math.floor((0.5 + dice() / 2) * events.length);
    const event = events[at];
    if (event?.type !== "ok" || (event.f !== "read" && event.f !== "acquire")) continue;
    if (event.v === false) continue;
    const from = events.slice(Math.floor(at * 0.5), Math.floor(at * 0.8));
    const stale = from.find(({ type, f, v }) => type === "ok" && f === event.f && v !== false);
    if (stale === undefined || stale.v === event.v) continue;
    events[at] = { ...event, ...(stale.v === undefined ? {} : { v: stale.v }) };
    return;
  }
}

/** Mulberry32: the same history for the same seed, everywhere. */
function diceOf(seed: number): Dice {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
