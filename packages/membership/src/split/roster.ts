/**
 * The roster: who belongs to the group, as a split must count them.
 *
 * A membership forgets who is down for long; a split must not. If it did, the smaller side would
 * come to think after a while that it is all there is. So a member stays on the roster until it
 * says goodbye, or is ended by a decision.
 */
import type { Member, MembershipEvent } from "../membership.ts";
import type { SplitMember, SplitStanding, SplitView } from "./view.ts";

/** What only the caller knows of a member. */
export interface RosterOptions {
  /** @default always `up` */
  readonly standingOf?: ((member: Member) => SplitStanding) | undefined;
  /** When it became `up`, by a count that all processes share. */
  readonly joinedOf?: ((member: Member) => number) | undefined;
  /** Ids at both ends of links that are broken inside this side. @default nobody */
  readonly indirect?: (() => ReadonlySet<string>) | undefined;
}

/** The members of one group. */
export class Roster {
  readonly #self: string;
  readonly #options: RosterOptions;
  readonly #members = new Map<string, Member>();

  constructor(self: string, options: RosterOptions) {
    this.#self = self;
    this.#options = options;
  }

  /** Takes in what a membership tells. */
  hear(event: Exclude<MembershipEvent, { kind: "synced" | "stale" }>): void {
    const { member } = event;
    if (member.state === "left") this.#members.delete(member.id);
    else this.#members.set(member.id, member);
  }

  /** These are dead from now on, whatever comes. One that is heard of again is a new member. */
  drop(ids: readonly string[]): void {
    for (const id of ids) this.#members.delete(id);
  }

  /** What a split is judged by; `undefined`: this process is no member, or thought down. */
  view(): SplitView | undefined {
    const { standingOf, joinedOf, indirect } = this.#options;
    const ends = indirect?.() ?? new Set<string>();
    const members = [...this.#members.values()].map((member): SplitMember => {
      const { id, state } = member;
      // A suspect is being asked; until it is down it is taken for one that answers.
      const isHeard = state !== "down" || id === this.#self;
      const reach = isHeard ? (ends.has(id) ? "indirect" : "reachable") : "unreachable";
      const standing = standingOf?.(member) ?? "up";
      const joined = joinedOf?.(member);
      return joined === undefined ? { id, standing, reach } : { id, standing, reach, joined };
    });
    return this.#members.has(this.#self) ? { self: this.#self, members } : undefined;
  }
}
