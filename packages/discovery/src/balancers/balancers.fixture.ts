/**
 * Endpoints and picks for tests of balancers.
 */
import type { Runtime } from "@quorate/core";

import type { Balancer, Pick, PickOutcome, PickRequest } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { createBalancer } from "./create-balancer.ts";
import { ejecting } from "./ejecting.ts";
import { balance } from "./kinds.ts";
import { zoned } from "./zoned.ts";

/** An endpoint called `id`, up, of weight 1 and long warm, but for `but`. */
export function endpoint(id: string, but: Partial<Endpoint> = {}): Endpoint {
  return {
    service: "billing",
    id,
    version: "1.0.0",
    address: `billing/${id}`,
    zone: "",
    weight: 1,
    warmUpMs: 0,
    ageMs: 3_600_000,
    state: "up",
    ...but,
  };
}

/** Endpoints called `e0`, `e1`, …, all alike. */
export function endpoints(count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, index) => endpoint(`e${index}`));
}

/** A pick that there must be. */
export function picked(balancer: Balancer, request?: PickRequest): Pick {
  const pick = balancer.pick(request);
  if (pick === undefined) throw new Error("nobody was picked");
  return pick;
}

/** Ids of `count` picks, each ended by `outcome` before the next. */
export function sequence(
  balancer: Balancer,
  count: number,
  outcome: PickOutcome = "ok",
  request?: PickRequest,
): string[] {
  return Array.from({ length: count }, () => {
    const pick = picked(balancer, request);
    pick.end(outcome);
    return pick.endpoint.id;
  });
}

/** How often each id is in `ids`, of all of them. */
export function shares(ids: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1 / ids.length);
  return Object.fromEntries(counts);
}

/** Every kind and every wrapper, by name. */
export const ALL_KINDS: readonly (readonly [string, (runtime: Runtime) => Balancer])[] = [
  ["roundRobin", (runtime) => balance.roundRobin({ runtime })],
  ["smoothWeighted", (runtime) => balance.smoothWeighted({ runtime })],
  ["leastOutstanding", (runtime) => balance.leastOutstanding({ runtime })],
  ["twoChoices", (runtime) => balance.twoChoices({ runtime })],
  ["peakEwma", (runtime) => balance.peakEwma({ runtime })],
  ["hashed", (runtime) => balance.hashed({ runtime, unkeyed: "anywhere" })],
  [
    "ejecting",
    (runtime) => ejecting(balance.roundRobin({ runtime }), { runtime, faultsInARow: 2 }),
  ],
  ["zoned", (runtime) => zoned(() => balance.twoChoices({ runtime }), { zone: "a", runtime })],
  ["createBalancer", (runtime) => createBalancer({ runtime, zone: "a" })],
];
