/**
 * `resolveSplit`: what to do about a split, as a pure function of a view and a strategy.
 *
 * First those that are connected indirectly go: with a broken link inside, a side would not agree
 * on who belongs to it. What is left is two sides, and the strategy says which one stays. Before
 * this side ends the other one it counts again, as the other might: who is `joining` there may be
 * up there, and who is `leaving` here may be gone there. If the answer is another one then, nobody
 * can know what the other side decides, and all go.
 *
 * Guarantees, for the same strategy at all and stable views that differ by at most one change of
 * standing for each member: never two sides stay. Checked exhaustively for up to 5 members.
 * Does not guarantee it where a side has never heard of a member of the other: one that joined
 * during the cut. Nor that anybody stays.
 */
import { createHash } from "node:crypto";

import { invalidArgument, type Ms } from "@quorate/core";
import type { SplitStrategy } from "./strategies.ts";
import type { SplitMember, SplitView } from "./view.ts";

/** What to do. `down`: who is to be taken for dead from now on; whoever is in it must stop. */
export type SplitVerdict =
  /** There is nothing to resolve. */
  | { readonly kind: "keep"; readonly reason: string }
  /** This process stays; the others are gone, as far as it is concerned. */
  | { readonly kind: "downOthers"; readonly down: readonly string[]; readonly reason: string }
  /** This process must stop; some others may stay. */
  | { readonly kind: "downSelf"; readonly down: readonly string[]; readonly reason: string }
  /** All must stop, on this side and, as far as it can be said from here, on the other. */
  | { readonly kind: "downAll"; readonly down: readonly string[]; readonly reason: string };

/** A verdict, or the question to a lease that leads to one. */
export type SplitDecision =
  | SplitVerdict
  | {
      /** Wait for `delayMs`, then try to take the lease as `claim`, which a whole side shares. */
      readonly kind: "acquire";
      readonly delayMs: Ms;
      /** Owner of the claim: the same at all processes that see the same side, and at no other. */
      readonly claim: string;
      readonly granted: SplitVerdict;
      /** Also if the store cannot be reached. */
      readonly refused: SplitVerdict;
      readonly reason: string;
    };

/** The two sides, without those that go before anything is counted. */
interface Sides {
  readonly ours: readonly SplitMember[];
  readonly theirs: readonly SplitMember[];
  readonly indirect: readonly SplitMember[];
}

/**
 * What the process `view.self` must do.
 *
 * @throws INVALID_ARGUMENT `self` is not among the members, or is unreachable to itself.
 *
 * @example
 * import { keepMajority, resolveSplit } from "@quorate/membership";
 * const member = (id: string, reach: "reachable" | "unreachable") =>
 *   ({ id, standing: "up", reach }) as const;
 * const members = [member("a", "reachable"), member("b", "reachable"), member("c", "unreachable")];
 * resolveSplit({ strategy: keepMajority(), view: { self: "a", members } }).kind; // => downOthers
 */
export function resolveSplit(options: {
  readonly strategy: SplitStrategy;
  readonly view: SplitView;
}): SplitDecision {
  const { strategy, view } = options;
  const self = view.members.find(({ id }) => id === view.self);
  if (self === undefined || self.reach === "unreachable") {
    throw invalidArgument("view.self", view.self, "a member that can be reached");
  }
  const sides: Sides = {
    ours: view.members.filter(({ reach }) => reach === "reachable"),
    theirs: view.members.filter(({ reach }) => reach === "unreachable"),
    indirect: view.members.filter(({ reach }) => reach === "indirect"),
  };
  const { theirs, indirect } = sides;
  if (theirs.length + indirect.length === 0) return { kind: "keep", reason: "all are reachable" };
  if (self.reach === "indirect") {
    const reason = "a link inside this side is broken, and this process is at an end of it";
    return { kind: "downSelf", down: ids(indirect), reason };
  }
  if (theirs.length === 0) {
    const reason = "links inside this side are broken; those at their ends go";
    return { kind: "downOthers", down: ids(indirect), reason };
  }
  return decide(strategy, sides, view.members);
}

function decide(strategy: SplitStrategy, sides: Sides, all: readonly SplitMember[]): SplitDecision {
  const { ours, theirs, indirect } = sides;
  const gone = [...theirs, ...indirect];
  const stay = (reason: string): SplitVerdict => {
    return { kind: "downOthers", down: ids(gone), reason };
  };
  const go = (reason: string): SplitVerdict => {
    return { kind: "downSelf", down: ids([...ours, ...indirect]), reason };
  };
  if (strategy.kind === "lease-majority") {
    const isMajority = majority(ours, theirs);
    return {
      kind: "acquire",
      delayMs: isMajority ? 0 : strategy.minorityDelayMs,
      claim: claimOf(ours),
      granted: stay("the lease is this side's"),
      refused: go("the lease is not this side's"),
      reason: isMajority ? "the majority asks first" : "the minority asks after the majority",
    };
  }
  if (strategy.kind === "static-quorum" && all.length > 2 * strategy.size - 1) {
    const reason = `${all.length} members: two sides could have ${strategy.size} of them`;
    return { kind: "downAll", down: ids(all), reason };
  }
  if (!staysBy(strategy, ours, theirs)) return go(`the other side stays, by ${strategy.kind}`);
  // As the other side may see it.
  const oursThere = ours.filter(({ standing }) => standing !== "leaving");
  const theirsThere = theirs.map((member) => {
    return member.standing === "joining" ? { ...member, standing: "up" as const } : member;
  });
  if (staysBy(strategy, oursThere, theirsThere))
    return stay(`this side stays, by ${strategy.kind}`);
  const reason = "members join or leave, and the other side may count otherwise";
  return { kind: "downAll", down: ids(all), reason };
}

/** Whether `ours` stays. */
function staysBy(
  strategy: Exclude<SplitStrategy, { kind: "lease-majority" }>,
  ours: readonly SplitMember[],
  theirs: readonly SplitMember[],
): boolean {
  switch (strategy.kind) {
    case "keep-majority":
      return majority(ours, theirs);
    case "static-quorum":
      return counted(ours).length >= strategy.size;
    case "keep-oldest":
      return withOldest(counted(ours), counted(theirs), strategy.downIfAlone);
    case "keep-referee":
      return ours.some(({ id }) => id === strategy.id);
  }
}

function majority(ours: readonly SplitMember[], theirs: readonly SplitMember[]): boolean {
  const [here, there] = [counted(ours), counted(theirs)];
  if (here.length !== there.length) return here.length > there.length;
  const least = leastBy([...here, ...there], () => 0);
  return least !== undefined && here.includes(least);
}

function withOldest(
  ours: readonly SplitMember[],
  theirs: readonly SplitMember[],
  downIfAlone: boolean,
): boolean {
  const oldest = leastBy([...ours, ...theirs], ({ joined }) => joined ?? Infinity);
  if (oldest === undefined) return false;
  const isOurs = ours.includes(oldest);
  const [its, other] = isOurs ? [ours, theirs] : [theirs, ours];
  const isAlone = downIfAlone && its.length === 1 && other.length > 0;
  return isOurs !== isAlone;
}

/** Those that count. */
function counted(members: readonly SplitMember[]): readonly SplitMember[] {
  return members.filter(({ standing }) => standing !== "joining");
}

/** The member of the least rank; of several that with the least id. */
function leastBy(
  members: readonly SplitMember[],
  rankOf: (member: SplitMember) => number,
): SplitMember | undefined {
  let least: SplitMember | undefined;
  for (const member of members) {
    const [rank, best] = [rankOf(member), least === undefined ? Infinity : rankOf(least)];
    const isLess = least === undefined || rank < best || (rank === best && member.id < least.id);
    if (isLess) least = member;
  }
  return least;
}

function ids(members: readonly SplitMember[]): readonly string[] {
  return members.map(({ id }) => id).sort();
}

/** Sides have no member in common, so two of them never claim alike. */
function claimOf(side: readonly SplitMember[]): string {
  const names = JSON.stringify(ids(side));
  return createHash("sha256").update(names).digest("hex").slice(0, 32);
}
