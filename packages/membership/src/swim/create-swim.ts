/**
 * Where a member of a SWIM group is made. What it promises is in `swim.ts`.
 */
import type { Swim } from "./swim.ts";
import { SwimMember } from "./swim-member.ts";
import { checkSwim, type SwimOptions } from "./swim-options.ts";

/**
 * A member of the group `options.group`. Begins with `start()`.
 *
 * Of two living processes with one name the one born later goes on. The other stops: its watches
 * end, `self` is `undefined`, `update`, `leave` and `joined` reject with `MEMBER_CONFLICT`, and the
 * event `swim.conflict` says where the other is.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 * @throws TOO_LARGE `data` is too long.
 *
 * @example
 * import { createSwim, SwimNetwork } from "@quorate/membership";
 * import { systemRuntime } from "@quorate/core";
 * const transport = new SwimNetwork().transport("here", systemRuntime);
 * const swim = createSwim({ id: "api-1", transport, data: "v7" });
 * await swim.start();
 * console.log(swim.self?.state, swim.self?.data); // => alive v7
 * await swim.leave();
 */
export function createSwim(options: SwimOptions): Swim {
  return new SwimMember(checkSwim(options));
}
