/**
 * Members of a group: one life of one process, told from its next.
 *
 * A process that restarts counts its messages from 1 again. Under its old name they would be taken
 * for duplicates and dropped in silence, so a member is an incarnation: node id and boot id, as
 * `node#boot`. A boot id has letters and digits only, so the last `#` always divides the two.
 *
 * Does not guarantee: that a boot id is used once. Draw it anew at each start (the default), or
 * take one that the outside world gave to this life, such as the owner of its lease.
 */
import { invalidArgument } from "@quorate/core";

import { checkNodeId, type NodeId } from "../node-id.ts";

/** One incarnation of a node: `node#boot`, at most 128 bytes. */
export type MemberId = string;

const BOOT = /^[0-9A-Za-z]{1,40}$/;

/**
 * The member that `node` is in the life called `boot` (1 to 40 letters and digits).
 *
 * @throws INVALID_ARGUMENT `node` is no node id, `boot` has other characters, or both are too long.
 *
 * @example
 * import { memberId } from "@quorate/clock";
 * memberId("db-1", "1"); // => "db-1#1"
 */
export function memberId(node: NodeId, boot: string): MemberId {
  checkNodeId("node", node);
  if (typeof boot !== "string" || !BOOT.test(boot)) {
    throw invalidArgument("boot", boot, "1 to 40 letters and digits");
  }
  return checkNodeId("node and boot", `${node}#${boot}`);
}

/** The node whose life `member` is; `undefined` if it is no member id. */
export function nodeOf(member: MemberId): NodeId | undefined {
  const at = member.lastIndexOf("#");
  return at > 0 && BOOT.test(member.slice(at + 1)) ? member.slice(0, at) : undefined;
}

/** `member` if it is a member id; else `INVALID_ARGUMENT`, which names `option`. */
export function checkMember(option: string, member: MemberId): MemberId {
  checkNodeId(option, member);
  if (nodeOf(member) !== undefined) return member;
  throw invalidArgument(option, member, "a member id, node#boot: see memberId()");
}

/** Most members of a group. */
export const MAX_MEMBERS = 256;

/** A copy of `members`, sorted: each a member id, each once. */
export function checkMembers(option: string, members: readonly MemberId[]): readonly MemberId[] {
  if (!Array.isArray(members) || members.length > MAX_MEMBERS) {
    throw invalidArgument(option, members, `an array of at most ${MAX_MEMBERS} member ids`);
  }
  const unique = new Set(members.map((member) => checkMember(option, member)));
  if (unique.size === members.length) return [...unique].toSorted();
  throw invalidArgument(option, members, "free of duplicates");
}
