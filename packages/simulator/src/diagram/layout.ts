/**
 * What a space-time diagram shows, before it is drawn: lanes, arrows, bars, dots, the violation.
 *
 * Pure: the entries of a trace and the plan of its run in, plain data out. Messages are arrows from
 * where they were sent to where they arrived; one of which either end is not in the trace is drawn
 * from or to the edge of what is known.
 */
import { describeFault, type Fault, type FaultPlan } from "../kernel/faults.ts";
import type { Violation } from "../kernel/kernel.ts";
import type { TraceEntry } from "../kernel/witness.ts";
import { NETWORK } from "../run/network-faults.ts";

/** How a message ended. */
export type ArrowEnd = "arrived" | "lost" | "under way";

/** A message. */
export interface Arrow {
  readonly from: number;
  readonly to: number;
  readonly sentMs: number;
  readonly endMs: number;
  readonly end: ArrowEnd;
  readonly label: string;
}

/** A fault that lasts. */
export interface Bar {
  readonly lane: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
}

/** Something that happened at a node. */
export interface Dot {
  readonly lane: number;
  readonly atMs: number;
  readonly kind: "state" | "fault" | "event" | "mark" | "note" | "violation";
  readonly label: string;
}

/** All that is drawn. */
export interface Layout {
  /** Names of the nodes, the world first. */
  readonly lanes: readonly string[];
  readonly arrows: readonly Arrow[];
  readonly bars: readonly Bar[];
  readonly dots: readonly Dot[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** The lane of what befalls nobody in particular, or the network. */
const WORLD = "world";

/** Lays out the entries, and the faults that touch their time. */
export function layOut(
  entries: readonly TraceEntry[],
  plan: FaultPlan,
  violation: Violation | undefined,
): Layout {
  const first = entries[0]?.atMs ?? violation?.atMs ?? 0;
  const last = Math.max(entries.at(-1)?.atMs ?? first, violation?.atMs ?? first);
  const window = { fromMs: first, toMs: last > first ? last : first + 1 };
  const lanes = lanesOf(entries, plan);
  const laneOf = (name: string): number => Math.max(0, lanes.indexOf(name));
  return {
    lanes,
    arrows: arrowsOf(entries, laneOf, window.toMs),
    bars: plan.flatMap((fault) => barOf(fault, laneOf(fault.target), window)),
    dots: entries.flatMap((entry) => dotOf(entry, laneOf(entry.node))),
    ...window,
  };
}

/** Processes in order of their names' numbers, so that worker-10 comes after worker-9. */
function lanesOf(entries: readonly TraceEntry[], plan: FaultPlan): readonly string[] {
  const names = new Set<string>();
  for (const { node, peer } of entries) {
    if (node !== "") names.add(node);
    if (peer !== undefined) names.add(peer);
  }
  for (const { target } of plan) names.add(target);
  names.delete(NETWORK);
  names.delete(WORLD);
  const order = new Intl.Collator("en", { numeric: true });
  return [WORLD, ...[...names].sort(order.compare)];
}

function arrowsOf(
  entries: readonly TraceEntry[],
  laneOf: (name: string) => number,
  toMs: number,
): readonly Arrow[] {
  const sent = new Map<number, TraceEntry>();
  const arrows: Arrow[] = [];
  for (const entry of entries) {
    const { kind, message, peer = "", node, text, atMs } = entry;
    if (message === undefined) continue;
    if (kind === "send") {
      sent.set(message, entry);
      continue;
    }
    const start = sent.get(message);
    // A second arrival of one message is a second arrow from the same sending.
    const label = `${text}, from ${peer} to ${node}`;
    const end = kind === "drop" ? "lost" : "arrived";
    const sentMs = start?.atMs ?? atMs;
    arrows.push({ from: laneOf(peer), to: laneOf(node), sentMs, endMs: atMs, end, label });
  }
  const ended = new Set(
    entries.filter(({ kind }) => kind !== "send").map(({ message }) => message),
  );
  for (const [message, { node, peer = "", text, atMs }] of sent) {
    if (ended.has(message)) continue;
    const label = `${text}, from ${node} to ${peer}`;
    const ends = { endMs: toMs, end: "under way" } as const;
    arrows.push({ from: laneOf(node), to: laneOf(peer), sentMs: atMs, ...ends, label });
  }
  return arrows;
}

function barOf(
  fault: Fault,
  lane: number,
  window: Pick<Layout, "fromMs" | "toMs">,
): readonly Bar[] {
  const { atMs, forMs = 0 } = fault;
  const toMs = Math.min(atMs + forMs, window.toMs);
  if (forMs === 0 || toMs < window.fromMs || atMs > window.toMs) return [];
  return [{ lane, fromMs: Math.max(atMs, window.fromMs), toMs, label: describeFault(fault) }];
}

function dotOf({ kind, atMs, text }: TraceEntry, lane: number): readonly Dot[] {
  if (kind === "send" || kind === "receive" || kind === "drop") return [];
  return [{ lane, atMs, kind, label: text }];
}
