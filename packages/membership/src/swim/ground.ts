/**
 * The ground that the parts of the machine stand on: who this member is, whom it knows, what it has
 * to tell, what time it is in this step, and the effects that the step has come to.
 *
 * It decides nothing. One object for the life of a machine, so that a step makes no garbage but
 * its effects.
 */
import { DueHeap, type Ms } from "@quorate/core";
import type { Member, MemberChanged } from "../membership.ts";
import { Awareness } from "./awareness.ts";
import { GossipQueue } from "./gossip-queue.ts";
import { type News, writeNews } from "./news.ts";
import { hashOf, headBytes, MAX_PACKET_BYTES, SEAL_BYTES } from "./packet.ts";
import type { Sender, SwimMessage } from "./packet.ts";
import { memberOf, type Peer, Roster } from "./roster.ts";
import { type SwimTiming, syncScale, transmitLimit } from "./timing.ts";

/** What the machine wants done. */
export type SwimEffect =
  | {
      readonly kind: "send";
      readonly to: string;
      readonly message: SwimMessage;
      /** Pieces of `writeNews`; with the head they fit into a packet. */
      readonly news: readonly Uint8Array[];
    }
  | { readonly kind: "changed"; readonly change: MemberChanged }
  /** This member has another incarnation: keep it, so that the next life begins above it. */
  | { readonly kind: "incarnation"; readonly incarnation: number; readonly accused: boolean }
  /** News that was not believed: an incarnation from the far future, or no room for a member. */
  | { readonly kind: "refused"; readonly why: "incarnation" | "room" }
  /** A younger process has this name, at `address`. The machine has stopped. */
  | { readonly kind: "conflict"; readonly address: string }
  /** This process was paused, or too busy, for `lateMs`. */
  | { readonly kind: "paused"; readonly lateMs: Ms }
  /** Goodbye was said often enough. The machine has stopped. */
  | { readonly kind: "departed" };

/** Who this member is and how it behaves. */
export interface SwimSettings {
  /** Its name. */
  readonly id: string;
  /** Hash of the group's name. */
  readonly group: number;
  /** Where others reach this member. */
  readonly address: string;
  /** What it says of itself. */
  readonly data: string;
  /** Greater than in every earlier life of this name. */
  readonly incarnation: number;
  /** Addresses that may know the group; also asked later, so that partitions heal. */
  readonly seeds: readonly string[];
  /** Periods, timeouts and counts. */
  readonly timing: SwimTiming;
  /** Most members that are kept, those that are gone included. */
  readonly maxMembers: number;
  /** How far above the wall clock, in milliseconds, an incarnation may be. */
  readonly maxAheadMs: Ms;
}

/** What all parts share. */
export class Ground {
  readonly settings: SwimSettings;
  readonly timing: SwimTiming;
  readonly random: () => number;
  readonly roster: Roster;
  readonly queue: GossipQueue = new GossipQueue();
  readonly awareness: Awareness = new Awareness();
  /** Those that are suspect, by the end of their suspicion. */
  readonly suspicions: DueHeap<Peer> = new DueHeap<Peer>();
  readonly sender: Sender;
  readonly selfHash: number;
  self: Member;
  /** Of the present step. */
  nowMs: Ms = 0;
  /** Of the present step. */
  wallMs: Ms = 0;
  effects: SwimEffect[] = [];
  #seq: number;

  constructor(settings: SwimSettings, random: () => number) {
    const { id, group, address, data, incarnation, timing, maxMembers } = settings;
    this.settings = settings;
    this.timing = timing;
    this.random = random;
    this.roster = new Roster(maxMembers, random);
    this.sender = { group, id, address };
    this.selfHash = hashOf(id);
    this.self = { id, incarnation, state: "alive", sinceMs: 0, address, data };
    // Begins anywhere: an answer to an earlier life must not count in this one.
    this.#seq = Math.floor(random() * 2 ** 32);
  }

  /** Living members as this one sees them, itself included. */
  get size(): number {
    return this.roster.active.length + 1;
  }

  /** By how much what everybody does about everybody must be rarer in this group. */
  get scale(): number {
    return syncScale(this.size);
  }

  /** A number for a question, so that its answer is known. */
  nextSeq(): number {
    this.#seq = (this.#seq + 1) % 2 ** 32;
    return this.#seq;
  }

  /** Sends, with as much news as fits: its own goodbye first, or what `accused` is accused of. */
  send(to: string, message: SwimMessage, accused?: Peer): void {
    const news: Uint8Array[] = [];
    let room = MAX_PACKET_BYTES - SEAL_BYTES - headBytes(this.sender, message);
    const isLeaving = this.self.state === "left";
    const first = isLeaving ? this.selfNews() : accused && this.accusationOf(accused);
    if (first !== undefined && first.kind !== "alive") {
      const bytes = writeNews(first);
      news.push(bytes);
      room -= bytes.length;
    }
    this.queue.take(news, room, transmitLimit(this.timing, this.size));
    this.effects.push({ kind: "send", to, message, news });
  }

  /** Sends exactly this news. */
  sendNews(to: string, message: SwimMessage, news: readonly Uint8Array[]): void {
    this.effects.push({ kind: "send", to, message, news });
  }

  /** Tells the group, from the next round of gossip on. */
  spread(news: News): void {
    this.queue.add(news.id, writeNews(news));
  }

  /** Tells the users of this member. */
  tell(kind: MemberChanged["kind"], peer: Peer): void {
    this.effects.push({ kind: "changed", change: { kind, member: memberOf(peer) } });
  }

  /** What this member says of itself. */
  selfNews(): News {
    const { id, incarnation, state, address, data } = this.self;
    return { kind: state, id, incarnation, address, data, by: "" };
  }

  /** What is held against a member, without what all know of it. */
  accusationOf(peer: Peer): News {
    const by = peer.state === "left" ? "" : (peer.suspicion?.accusers[0] ?? this.self.id);
    const { id, incarnation, state: kind } = peer;
    return { kind, id, incarnation, address: "", data: "", by };
  }

  /** Everything about a member, for a table. */
  recordOf(peer: Peer): News {
    const { address, data } = peer;
    const by = peer.state === "alive" ? "" : this.accusationOf(peer).by;
    return { ...this.accusationOf(peer), address, data, by };
  }
}
