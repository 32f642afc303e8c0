/**
 * From the instances of a service to the list that a caller may ask: the rule of panic.
 *
 * Let `up` be those registered that want calls, and `lost` those whose registration ended unasked
 * within `panicMaxMs`. When `up` is less than `panicShare` of both together, `lost` are used too,
 * until none is left: each is back or out of its time. If the registry is wrong, callers go on; if
 * it is right, their calls fail for at most that long, as the calls to any instance do that has
 * just crashed. Pure.
 *
 * Envoy calls this a panic threshold; Eureka's self-preservation is the warning of what becomes
 * of it without a bound in time.
 */
import type { Ms } from "@quorate/core";

import type { Endpoint } from "../endpoint.ts";
import type { ServiceSnapshot } from "../service-view.ts";
import type { Instance } from "./instances.ts";

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly service: string;
  readonly revision: number;
  /** Those whose version suits. */
  readonly instances: readonly Instance[];
  readonly isStale: boolean;
  readonly staleSinceMs: Ms | undefined;
  readonly panicShare: number;
  /** The snapshot before was of panic. */
  readonly wasPanic: boolean;
  readonly nowMs: Ms;
}

/** The snapshot. */
export function makeSnapshot(parts: SnapshotParts): ServiceSnapshot {
  const { service, revision, isStale, staleSinceMs, nowMs } = parts;
  const instances = parts.instances.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const registered = instances.filter(({ lostMs }) => lostMs === undefined);
  const lost = instances.filter(({ lostMs }) => lostMs !== undefined);
  const up = registered.filter(({ record }) => record.state === "up");
  const drains = registered.filter(({ record }) => record.state === "draining");
  const isFew = up.length < parts.panicShare * (up.length + lost.length);
  // Half a fleet that has found back is no reason to doubt the other half.
  const isPanic = lost.length > 0 && (isFew || parts.wasPanic);
  const used = isPanic ? instances.filter(({ record }) => record.state === "up") : up;
  const toEndpoint = (instance: Instance): Endpoint => endpointOf(service, instance, nowMs);
  const draining = drains.map(toEndpoint);
  return Object.freeze({
    ...{ service, revision, isPanic, isStale, staleSinceMs, draining },
    // Better one that wants no more than nobody: it serves until it stops.
    endpoints: used.length === 0 ? draining : used.map(toEndpoint),
    doubted: new Set(isPanic ? lost.map(({ id }) => id) : []),
    madeMs: nowMs,
  });
}

function endpointOf(service: string, instance: Instance, nowMs: Ms): Endpoint {
  const { id, address, record, bornMs } = instance;
  return Object.freeze({ service, id, address, ...record, ageMs: nowMs - bornMs });
}
