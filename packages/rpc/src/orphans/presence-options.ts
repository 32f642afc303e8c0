/**
 * Options of a client's presence.
 */
import { checkName, invalidArgument, knownOptions, type Ms, ttl } from "@quorate/core";

/** How a client shows that it lives. */
export interface PresenceOptions {
  /**
   * Name of this client, one segment, the same over its restarts: what its former life left
   * running then ends with the first calls of the new one, and not only with its lease. HAZARD: of
   * two clients of a service that live at one time under one name, only the younger can call.
   * @default this life's own id
   */
  readonly name?: string;
  /**
   * Length of the lease: so long after a crash the servers know of it. At least what the engine
   * takes. @default 15000
   */
  readonly leaseMs?: Ms;
}

/** How a client shows that it lives, filled in. */
export interface PresenceSettings {
  readonly name: string | undefined;
  readonly leaseMs: Ms;
}

/** Outlasts a change of leader in a NATS cluster. */
const DEFAULT_LEASE_MS = 15_000;
const MIN_LEASE_MS = 100;

/** The options, checked; `undefined`: no presence. */
export function presenceSettings(options: PresenceOptions | false): PresenceSettings | undefined {
  if (options === false) return undefined;
  knownOptions("presence", options, ["name", "leaseMs"]);
  const { leaseMs = DEFAULT_LEASE_MS, name } = options;
  if (name !== undefined && checkName("presence.name", name).includes("/")) {
    throw invalidArgument("presence.name", name, "one segment, free of '/'");
  }
  return { name, leaseMs: ttl("presence.leaseMs", leaseMs, MIN_LEASE_MS) };
}
