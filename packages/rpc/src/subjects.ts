/**
 * Subjects of the bus: where a service, one of its instances, and a client are reached.
 *
 * `rpc/<service>/<major>` is shared by all instances in one queue; below it each instance has a
 * subject of its own, for balancers and for what belongs to one running call.
 */

/** A service, in one major version. */
export interface ServiceName {
  readonly name: string;
  readonly major: number;
}

/** The queue in which instances share what is sent to the service. */
export const QUEUE = "servers";

/** Any instance of the service. */
export function callSubject({ name, major }: ServiceName): string {
  return `rpc/${name}/${major}`;
}

/** One instance of the service. */
export function instanceSubject(service: ServiceName, instance: string): string {
  return `${callSubject(service)}/${instance}`;
}

/** All instances of the service: cancels. */
export function cancelSubject({ name, major }: ServiceName): string {
  return `rpc-cancel/${name}/${major}`;
}

/** One life of a client: answers that did not come with the frame of their request. */
export function answersSubject(client: string): string {
  return `rpc-answers/${client}`;
}

/** One life of a client: frames of its streams. */
export function inboxSubject(client: string): string {
  return `rpc-inbox/${client}`;
}
