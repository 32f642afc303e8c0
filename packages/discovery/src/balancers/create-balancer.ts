/**
 * The balancer that most callers want: slow start, outlier ejection and zone preference around
 * peak-EWMA, in the order in which they work together.
 *
 * Outermost is slow start, so that a young endpoint's small weight is known to all. Then ejection,
 * so that the zones see who is left. Then zones, then the choice itself in each of them.
 */
import { callable, knownOptions, type Runtime, systemRuntime } from "@quorate/core";

import type { Balancer } from "../balancer.ts";
import { ejecting, type EjectionOptions } from "./ejecting.ts";
import { balance } from "./kinds.ts";
import { slowStarting } from "./slow-starting.ts";
import { zoned } from "./zoned.ts";

/** Options of `createBalancer`. */
export interface BalancerOptions {
  /** For events; the service's name, mostly. @default the kind's name */
  readonly name?: string | undefined;
  /** The caller's own zone; without it all endpoints are alike. */
  readonly zone?: string | undefined;
  /** Which part of all callers is in this zone, 0 to 1. @default 1 / number of zones */
  readonly callers?: number | undefined;
  /** Makes the balancer that chooses; one for each zone. @default balance.peakEwma */
  readonly kind?: (() => Balancer) | undefined;
  /** How outliers are ejected; false: they are not. @default the defaults of `ejecting` */
  readonly ejection?: Omit<EjectionOptions, "name" | "runtime"> | false | undefined;
  /** Where time, chance and events come from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/**
 * A balancer with everything. Throws INVALID_ARGUMENT for a bad option.
 *
 * @example
 * import { createBalancer } from "@quorate/discovery";
 * const balancer = createBalancer({ name: "billing", zone: "eu-1a" });
 * balancer.update([]); // the list of the registry, whenever it changes
 * const pick = balancer.pick();
 * pick?.end("ok"); // or "fault", when the call has ended
 */
export function createBalancer(options: BalancerOptions = {}): Balancer {
  knownOptions("options", options, ["name", "zone", "callers", "kind", "ejection", "runtime"]);
  const { name, zone, callers, ejection, runtime = systemRuntime } = options;
  const make = callable("kind", options.kind ?? (() => balance.peakEwma({ runtime })));
  const chosen = zone === undefined ? make() : zoned(make, { zone, callers, runtime });
  const guarded = ejection === false ? chosen : ejecting(chosen, { ...ejection, name, runtime });
  return slowStarting(guarded, { runtime });
}
