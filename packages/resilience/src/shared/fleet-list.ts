/**
 * The fleets of breakers that a store knows of, for whoever looks from outside.
 *
 * A fleet is in the store while something is to be told of it: a transition of the last hour, an
 * isolation, or instances that spoke of faults lately. One that has been well for long has nothing
 * there, and is not listed. Breakers of one process alone, which were not `sharedThrough` a
 * backend, are not in any store.
 */
import {
  type Backend,
  type Entry,
  invalidArgument,
  knownOptions,
  positiveInteger,
} from "@quorate/core";

import { type FleetStanding, standingOf } from "./fleet-control.ts";
import { FLEETS, fleetOf, instanceOf, placeOf } from "./place.ts";

/** A fleet as it was found. */
export interface ListedFleet extends FleetStanding {
  readonly name: string;
  /** Instances that spoke of faults lately; 0: all is well, or nobody calls. */
  readonly complaining: number;
}

/** Bounds of a listing. */
export interface ListFleetsOptions {
  /** No more fleets than this, by name. @default 1000 */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_LIMIT = 1_000;

/**
 * Every fleet that the store of `backend` knows of, by name. Rejects with the store's errors, or
 * with the signal's reason.
 *
 * @throws INVALID_ARGUMENT an option.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { fleetControl, listFleets } from "@quorate/resilience";
 * const backend = memoryBackend();
 * await fleetControl(backend, "billing").isolate({ by: "ada", why: "incident 7" });
 * for (const { name, state, by } of await listFleets(backend)) console.log(name, state, by);
 */
export async function listFleets(
  backend: Backend,
  options: ListFleetsOptions = {},
): Promise<readonly ListedFleet[]> {
  if (typeof backend?.kv?.watch !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  knownOptions("options", options, ["limit", "signal"]);
  const limit = positiveInteger("limit", options.limit ?? DEFAULT_LIMIT);
  const { signal } = options;
  const found = new Map<string, { record: Entry | undefined; complaining: number }>();
  // A collection is listed by its name, and these have one each: a watch begins with all of them.
  for await (const change of backend.kv.watch(FLEETS, { signal })) {
    if (change.kind === "synced") break;
    if (change.kind !== "put") continue;
    const { entry } = change;
    const name = fleetOf(entry.key);
    if (name === undefined) continue;
    const place = placeOf(name);
    const fleet = found.get(name) ?? { record: undefined, complaining: 0 };
    if (entry.key === place.record) fleet.record = entry;
    else if (instanceOf(place, entry.key) !== undefined) fleet.complaining += 1;
    found.set(name, fleet);
  }
  return [...found]
    .map(([name, { record, complaining }]) => ({ name, ...standingOf(record), complaining }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .slice(0, limit);
}
