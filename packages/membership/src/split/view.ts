/**
 * What one process sees of its group when the network has split: who belongs to it, in which
 * standing, and who can be reached.
 *
 * Two processes on the same side of a cut must see the same, or be given time until they do; that
 * is what `SplitTimer` waits for. Processes on different sides never do: each takes the other side
 * for unreachable, and may know of a change of standing that the other has not heard of yet.
 */

/**
 * Where a member stands. Those that are `up` or `leaving` count; one that is `joining` does not,
 * but the other side may have seen it `up` already, as it may have seen one that is `leaving` gone.
 */
export type SplitStanding = "joining" | "up" | "leaving";

/**
 * - `reachable`: everybody on this side reaches it
 * - `unreachable`: nobody on this side does
 * - `indirect`: some do and some do not: a link inside this side is broken
 */
export type SplitReach = "reachable" | "unreachable" | "indirect";

/** A member, as one side sees it. */
export interface SplitMember {
  readonly id: string;
  readonly standing: SplitStanding;
  readonly reach: SplitReach;
  /** When it became `up`, by a count that all sides share; less is older. For `keepOldest`. */
  readonly joined?: number;
}

/** The group, as one process sees it. */
export interface SplitView {
  /** Who looks. Is among the members, and not unreachable. */
  readonly self: string;
  /** Everybody that has not left, by any name; ids are distinct. */
  readonly members: readonly SplitMember[];
}

/** Somebody cannot reach somebody. */
export interface BrokenLink {
  readonly observer: string;
  readonly subject: string;
}

/**
 * Who is connected indirectly: both ends of each broken link whose subject is heard all the same,
 * through others. `heard` are the ids on this side, `self` among them; `links` what they report.
 *
 * @example
 * import { indirectlyConnected } from "@quorate/membership";
 * const links = [{ observer: "a", subject: "b" }]; // b is heard through c.
 * indirectlyConnected(links, new Set(["a", "b", "c"])); // => Set { "a", "b" }
 */
export function indirectlyConnected(
  links: readonly BrokenLink[],
  heard: ReadonlySet<string>,
): ReadonlySet<string> {
  const inside = links.filter(({ observer, subject }) => heard.has(observer) && heard.has(subject));
  return new Set(inside.flatMap(({ observer, subject }) => [observer, subject]));
}
