/** A sender's own messages: what was sent, who has proposed what, what is decided. */
import type { MemberId } from "../member.ts";
import type { Rank } from "./agreement-frames.ts";
import { compareRanks } from "./rank.ts";

interface OwnMessage {
  readonly data: Uint8Array;
  readonly proposals: Map<MemberId, Rank>;
  state: "unsent" | "sent" | "decided";
}

/** Own messages that are not delivered yet. */
export class OwnMessages {
  readonly limit: number;
  readonly #messages = new Map<number, OwnMessage>();
  #count = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** The next message; returns its number. */
  add(data: Uint8Array): number {
    this.#count += 1;
    this.#messages.set(this.#count, { data, proposals: new Map(), state: "unsent" });
    return this.#count;
  }

  /** Messages to send now. */
  *takeUnsent(): IterableIterator<{ readonly n: number; readonly data: Uint8Array }> {
    for (const [n, message] of this.#messages) {
      if (message.state !== "unsent") continue;
      message.state = "sent";
      yield { n, data: message.data };
    }
  }

  proposed(n: number, rank: Rank): void {
    this.#messages.get(n)?.proposals.set(rank.by, rank);
  }

  /** Ranks of those that all `members` have proposed something for, at most `max` at a time. */
  takeDecided(
    members: readonly MemberId[],
    max: number,
  ): { readonly n: number; readonly rank: Rank }[] {
    const ranks: { n: number; rank: Rank }[] = [];
    for (const [n, message] of this.#messages) {
      if (ranks.length === max) break;
      if (message.state !== "sent" || this.missing(n, members).length > 0) continue;
      message.state = "decided";
      const all = [...message.proposals.values()];
      const rank = all.reduce((one, other) => (compareRanks(one, other) < 0 ? other : one));
      ranks.push({ n, rank });
    }
    return ranks;
  }

  /** Members that have proposed nothing. */
  missing(n: number, members: readonly MemberId[]): MemberId[] {
    const proposals = this.#messages.get(n)?.proposals;
    return members.filter((member) => proposals?.has(member) !== true);
  }

  delivered(n: number): void {
    this.#messages.delete(n);
  }
}
