/**
 * Names of the leases by which clients show that they live: by service, so that a server follows
 * its own clients and not those of everybody.
 */

/** Below it the clients of `service` hold their leases. */
export function presencePrefix(service: string): string {
  return `rpc-client/${service}/`;
}

/** The lease of a client of `service`. */
export function presenceOf(service: string, client: string): string {
  return `${presencePrefix(service)}${client}`;
}

/** The client of `service` that holds `lease`. */
export function clientOf(service: string, lease: string): string {
  return lease.slice(presencePrefix(service).length);
}
