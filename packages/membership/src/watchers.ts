/**
 * The readers of a membership: each gets the members first, then `synced`, then every change.
 *
 * One feed a reader, keyed by member, so that a reader that falls behind costs memory for the
 * members and not for their changes, and gets the last state of each. `stale` and `synced` share
 * one place: of the two only the last one counts.
 */
import { Feed, type Ms, type Stale, type Synced } from "@quorate/core";
import type {
  Member,
  MemberChanged,
  MembershipEvent,
  MembershipWatchOptions,
} from "./membership.ts";

/** Kinds of the events that tell a late reader of a member, by the member's state. */
const KIND_OF = {
  alive: "joined",
  suspect: "suspected",
  down: "down",
  left: "left",
} as const;

/** All watches of one membership. */
export class Watchers {
  readonly #feeds = new Set<Feed<MembershipEvent>>();
  #link: { readonly kind: "settling" } | Synced | Stale;

  /** `isSettled: false`: `synced` is first told by `synced()`, to those who watch before, too. */
  constructor(options: { readonly isSettled?: boolean } = {}) {
    this.#link = { kind: options.isSettled === false ? "settling" : "synced" };
  }

  /** A new reader, to whom `members` come first. */
  open(
    members: Iterable<Member>,
    options: MembershipWatchOptions = {},
  ): AsyncIterableIterator<MembershipEvent> {
    const feed: Feed<MembershipEvent> = new Feed({
      signal: options.signal,
      onEnd: () => void this.#feeds.delete(feed),
    });
    for (const member of members) {
      feed.push(keyOf(member.id), { kind: KIND_OF[member.state], member });
    }
    if (this.#link.kind !== "settling") feed.push("link", this.#link);
    if (options.signal?.aborted !== true) this.#feeds.add(feed);
    return feed;
  }

  /** Tells of a change. */
  tell(change: MemberChanged): void {
    for (const feed of this.#feeds) feed.push(keyOf(change.member.id), change);
  }

  /** The link has been silent since `sinceMs`; told once, until `synced`. */
  stale(sinceMs: Ms): void {
    if (this.#link.kind !== "stale") this.#turn({ kind: "stale", sinceMs });
  }

  /** All is known, or the link is well again; told once, until `stale`. */
  synced(): void {
    if (this.#link.kind !== "synced") this.#turn({ kind: "synced" });
  }

  /** Ends all watches, after what is unread. */
  end(): void {
    for (const feed of [...this.#feeds]) feed.end();
  }

  #turn(link: Synced | Stale): void {
    this.#link = link;
    for (const feed of this.#feeds) tellLink(feed, link);
  }
}

/** Always last: in the place of an unread one it would come before members that it covers. */
function tellLink(feed: Feed<MembershipEvent>, link: Stale | Synced): void {
  feed.retract("link");
  feed.push("link", link);
}

function keyOf(id: string): string {
  return `member ${id}`;
}
