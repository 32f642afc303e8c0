/**
 * How a heartbeat membership is made: options are checked at once, before anything is sent.
 */
import { HeartbeatMember } from "./heartbeat-member.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { checkHeartbeats, type HeartbeatBackend, type HeartbeatOptions } from "./options.ts";

/**
 * Membership of `options.group` by heartbeats over the bus of `backend`. Begins with `start()`.
 *
 * Of two living processes with one name the one born later goes on; the other becomes an onlooker,
 * says so by the event `membership.conflict`, and its `update` rejects with `MEMBER_CONFLICT`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 * @throws TOO_LARGE a name or `data` is too long.
 *
 * @example
 * import { createHeartbeats } from "@quorate/membership";
 * import { memoryBackend } from "@quorate/memory";
 * const members = createHeartbeats(memoryBackend(), { group: "billing", id: "billing-1" });
 * await members.start();
 * console.log(members.self?.state); // => alive
 * await members.leave();
 */
export function createHeartbeats(backend: HeartbeatBackend, options: HeartbeatOptions): Heartbeats {
  return new HeartbeatMember(backend, checkHeartbeats(backend, options));
}
