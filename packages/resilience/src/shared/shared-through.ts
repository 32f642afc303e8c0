/**
 * Shared breakers: what one instance learns of a dependency, all instances know.
 *
 * A breaker that sees ten calls a minute learns too slowly; a hundred of them would learn fast, if
 * they spoke to each other. Through any backend of Quorate they do, without a store call on the hot
 * path: each decides by its own window and by the fleet's last verdict, a field that a watch keeps.
 *
 * - Nobody writes while all is well. Instances in trouble publish summaries, and when they could
 *   be a quorum the healthy answer.
 * - The fleet opens when its calls fail at the limit **and** a quorum of the instances with calls
 *   see it themselves: one sick instance cannot take the dependency from all others.
 * - While it is open one instance at a time, the holder of a lease, finds out; its verdict is
 *   written over the record that made it the prober, or refused.
 * - Then calls come back from 10 to 100 % over `rampMs`.
 *
 * Guarantees: no call waits for the store; of each record there is at most one successor, so a
 * verdict that comes late changes nothing; a lost store leaves each breaker to itself as soon as
 * the engine's watch says `stale`, and opens nothing. Does not guarantee that at most one instance
 * probes where the store forgets leases (a failover without quorum), nor that instances which
 * cannot reach the store are counted.
 *
 * The quorum answers the objection of Polly's issue 287 to shared breakers.
 */
import { type Backend, invalidArgument } from "@quorate/core";

import type { JoinFleet } from "../fleet.ts";
import { fleetName, readSettings, type SharedOptions } from "./settings.ts";
import { SharedFleet } from "./shared-fleet.ts";

/**
 * What `breaker({ name, share })` joins its fleet by. Breakers of one name on one namespace of a
 * store are a fleet; give all instances the same options, and each breaker its backend's runtime.
 *
 * Costs: one open watch for each breaker, for as long as it lives; make it for the dependencies
 * that a fleet has in common, not for each of ten thousand keys. While a minority of n instances
 * is in trouble, about 0.6 n writes a second at the default `publishMs`, each told to all.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds; or, when a breaker joins, its
 *   name is no segment of a key.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { breaker, sharedThrough } from "@quorate/resilience";
 * const backend = memoryBackend(); // or redisBackend(…), natsBackend(…)
 * const billing = breaker({ name: "billing", share: sharedThrough(backend) });
 * const answer = await billing.run(() => 42);
 * await billing.dispose();
 */
export function sharedThrough(backend: Backend, options: SharedOptions = {}): JoinFleet {
  if (typeof backend?.kv?.watch !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  const settings = readSettings(options, backend.capabilities.minTtlMs);
  return (name, local) =>
    new SharedFleet(backend, settings, settings.name ?? fleetName(name), local);
}
