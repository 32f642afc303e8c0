/**
 * Random message histories with the truth beside them.
 *
 * Every event gets a stamp, by the clock under test, and its causal past, kept as a plain set of
 * events: its own, its predecessor's at the same node, and that of the message it received. The
 * sets are happened-before by definition; a clock is right if it agrees with them.
 */
import fc from "fast-check";

import type { Causality } from "./entries.ts";
import { VectorClock } from "./vector-clock.ts";

export type Step =
  | { readonly kind: "local"; readonly node: number }
  | { readonly kind: "send"; readonly node: number }
  /** Receives any message ever sent: late, out of order, twice. */
  | { readonly kind: "receive"; readonly node: number; readonly message: number };

export interface StampedEvent {
  readonly node: string;
  readonly clock: VectorClock;
  /** Numbers of the events that happened before it, and its own. */
  readonly past: ReadonlySet<number>;
}

const NODES = ["a", "b", "__proto__", "d#1", "ё"];

const node = fc.nat(NODES.length - 1);

/** Histories over five nodes. */
export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("local" as const), node }),
    fc.record({ kind: fc.constant("send" as const), node }),
    fc.record({ kind: fc.constant("receive" as const), node, message: fc.nat(60) }),
  ),
  { minLength: 2, maxLength: 60 },
);

/** Runs a history; `prune` is applied to a node's clock after each of its events. */
export function runHistory(
  steps: readonly Step[],
  prune: (clock: VectorClock, own: string) => VectorClock = (clock) => clock,
): StampedEvent[] {
  const events: StampedEvent[] = [];
  const sent: StampedEvent[] = [];
  const latest = new Map<string, StampedEvent>();
  for (const step of steps) {
    const node = NODES[step.node] as string;
    const before = latest.get(node);
    const message = step.kind === "receive" ? sent[step.message % sent.length] : undefined;
    let clock = before?.clock ?? VectorClock.of();
    if (message !== undefined) clock = clock.merge(message.clock);
    clock = prune(clock.tick(node), node);
    const past = new Set([...(before?.past ?? []), ...(message?.past ?? []), events.length]);
    const event = { node, clock, past };
    events.push(event);
    latest.set(node, event);
    if (step.kind === "send") sent.push(event);
  }
  return events;
}

/** How two events stand to each other in truth. */
export function truth(left: StampedEvent, right: StampedEvent): Causality {
  const before = isSubset(left.past, right.past);
  const after = isSubset(right.past, left.past);
  if (before) return after ? "equal" : "before";
  return after ? "after" : "concurrent";
}

function isSubset(small: ReadonlySet<number>, large: ReadonlySet<number>): boolean {
  return [...small].every((event) => large.has(event));
}
