/**
 * What a member believes of the others, and how news changes it.
 *
 * An incarnation is a member's own counter: only it may raise it, and does so when it is accused.
 * Of two pieces of news about a member the one with the greater incarnation counts; of two with the
 * same, left beats down, down beats suspect, and suspect beats alive. A suspicion becomes a death
 * when its time is over, the sooner the more members share it.
 *
 * Where memberlist stays silent this one speaks. A member that we hold for dead and that comes back
 * with too small an incarnation is told what is held against it, or it would stay invisible for
 * ever. What is told of a member that we do not know is kept and told on. A death learnt from
 * another's table counts as a suspicion, so that two halves of a healed partition take nobody's
 * word for a burial.
 *
 * SWIM, section 4.2; suspicion timeouts as in Lifeguard.
 */
import type { MemberState } from "../membership.ts";
import type { Ground } from "./ground.ts";
import { type News, writeNews } from "./news.ts";
import type { Sender } from "./packet.ts";
import { isGone, type Peer } from "./roster.ts";
import { minSuspicionMs, suspicionMs, wantedConfirmations } from "./timing.ts";

/** Beliefs of one member. */
export class Beliefs {
  readonly #ground: Ground;
  readonly #birth: number;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#birth = ground.settings.incarnation;
  }

  /** Takes in a piece of news. `inTable`: from a table, not from gossip. */
  hear(news: News, from: Sender, inTable: boolean): void {
    const { settings, wallMs, self, effects } = this.#ground;
    if (news.incarnation > wallMs + settings.maxAheadMs) {
      // Nobody is born so far in the future. Believed, it would silence the true member for ever.
      effects.push({ kind: "refused", why: "incarnation" });
      return;
    }
    if (news.id === self.id) return this.#hearOfSelf(news, from);
    if (news.kind === "alive") return this.#hearAlive(news);
    const peer = this.#ground.roster.get(news.id);
    if (news.kind === "left") return this.#hearLeft(peer, news);
    if (news.kind === "suspect") return this.#hearSuspect(peer, news, news.by || from.id);
    // A death in a table is old, and half of the group may never have been asked.
    const doubts = inTable && peer !== undefined && !isGone(peer.state);
    if (doubts) this.#hearSuspect(peer, news, from.id);
    else this.#hearDown(peer, news);
  }

  /** This member could not reach `peer`. */
  suspect(peer: Peer): void {
    const { id, incarnation } = peer;
    const news: News = { kind: "suspect", id, incarnation, address: "", data: "", by: "" };
    this.#hearSuspect(peer, news, this.#ground.self.id);
  }

  /** Buries those whose suspicion is over. */
  suspicionsDue(): void {
    const { suspicions, nowMs, self } = this.#ground;
    for (;;) {
      const peer = suspicions.peek();
      if (peer === undefined || peer.wakeMs > nowMs) return;
      this.#bury(peer, "down", peer.incarnation, self.id);
    }
  }

  /** Says something new of this member, which needs a new incarnation. */
  announce(state: MemberState, data: string, above: number, accused: boolean): void {
    const ground = this.#ground;
    const { self, nowMs } = ground;
    const incarnation = Math.max(self.incarnation, above) + 1;
    const sinceMs = state === self.state ? self.sinceMs : nowMs;
    ground.self = { ...self, state, data, incarnation, sinceMs };
    ground.spread(ground.selfNews());
    ground.effects.push({ kind: "incarnation", incarnation, accused });
  }

  #hearOfSelf(news: News, from: Sender): void {
    const ground = this.#ground;
    const { self } = ground;
    if (self.state === "left") return;
    if (news.incarnation < self.incarnation) {
      // Refuted long ago, and the refutation never got there.
      if (news.kind !== "alive") this.#tellOfSelf(from);
      return;
    }
    if (news.kind !== "alive") {
      // Who is accused and could not defend itself in time may be the one that hears badly.
      ground.awareness.add(1);
      return this.#refute(news, from);
    }
    const { address } = news;
    if (address !== self.address) {
      const message = { kind: "conflict", seq: ground.nextSeq(), birth: this.#birth } as const;
      ground.sendNews(address, message, []);
      return this.#refute(news, from);
    }
    if (news.incarnation > self.incarnation) this.#refute(news, from);
  }

  /** Whoever brought the news hears at once; the others by gossip. */
  #refute(news: News, from: Sender): void {
    const ground = this.#ground;
    this.announce(ground.self.state, ground.self.data, news.incarnation, news.kind !== "alive");
    this.#tellOfSelf(from);
  }

  #tellOfSelf(from: Sender): void {
    const ground = this.#ground;
    if (from.address === ground.self.address) return;
    const message = { kind: "gossip", seq: ground.nextSeq() } as const;
    ground.sendNews(from.address, message, [writeNews(ground.selfNews())]);
  }

  #hearAlive(news: News): void {
    const ground = this.#ground;
    const { roster, nowMs, queue } = ground;
    const known = roster.get(news.id);
    if (known === undefined) {
      const peer = this.#meet(news);
      if (peer === undefined) return;
      ground.spread(news);
      return ground.tell("joined", peer);
    }
    if (news.incarnation <= known.incarnation) {
      const isRisen = isGone(known.state) && news.incarnation < known.incarnation;
      // Somebody counts it among the living, by an incarnation from before its death.
      if (isRisen && !queue.has(known.id)) ground.spread(ground.accusationOf(known));
      return;
    }
    const before = known.state;
    const { address, data } = news;
    const isElsewhere = address !== known.address;
    // A living namesake there learns of it at once, and objects.
    if (isElsewhere && !isGone(before) && known.address !== "") {
      ground.spread(news);
      ground.send(known.address, { kind: "gossip", seq: ground.nextSeq() });
    }
    const isOther = isElsewhere || data !== known.data;
    this.#unsuspect(known);
    known.incarnation = news.incarnation;
    known.address = address;
    known.data = data;
    if (before !== "alive") roster.move(known, "alive", nowMs);
    ground.spread(news);
    if (before === "left") ground.tell("joined", known);
    else if (before !== "alive") ground.tell("recovered", known);
    else if (isOther) ground.tell("updated", known);
  }

  #hearSuspect(peer: Peer | undefined, news: News, by: string): void {
    const { incarnation } = news;
    if (peer === undefined) {
      const met = this.#meet(news);
      if (met !== undefined) this.#accuse(met, news, by);
      return;
    }
    if (incarnation < peer.incarnation) return;
    const isNewer = incarnation > peer.incarnation;
    if (isGone(peer.state)) {
      // Down at 3 and suspect at 4: it came back in between, and that news is still on its way.
      if (isNewer) this.#accuse(peer, news, by);
    } else if (peer.suspicion === undefined || isNewer) this.#accuse(peer, news, by);
    else this.#confirm(peer, by);
  }

  #accuse(peer: Peer, news: News, by: string): void {
    const ground = this.#ground;
    const { timing, nowMs, size, roster, suspicions } = ground;
    const minMs = minSuspicionMs(timing, size);
    const maxMs = minMs * timing.suspicionMaxFactor;
    const wanted = wantedConfirmations(timing, size);
    peer.suspicion = { startMs: nowMs, minMs, maxMs, wanted, accusers: [by] };
    peer.incarnation = news.incarnation;
    roster.move(peer, "suspect", nowMs);
    suspicions.update(peer, nowMs + suspicionMs(minMs, maxMs, 0, wanted));
    ground.spread(ground.accusationOf(peer));
    ground.tell("suspected", peer);
  }

  #confirm(peer: Peer, by: string): void {
    const ground = this.#ground;
    const { suspicion } = peer;
    if (suspicion === undefined) return;
    const { accusers, wanted, startMs, minMs, maxMs } = suspicion;
    if (accusers.length > wanted || accusers.includes(by)) return;
    accusers.push(by);
    const lastsMs = suspicionMs(minMs, maxMs, accusers.length - 1, wanted);
    ground.suspicions.update(peer, startMs + lastsMs);
    ground.spread({ ...ground.accusationOf(peer), by });
  }

  #hearDown(peer: Peer | undefined, news: News): void {
    const { incarnation, by } = news;
    if (peer === undefined) {
      // Kept, so that it is told on once and a late "alive" does not bring it to life.
      const met = this.#meet(news);
      if (met !== undefined) this.#ground.spread(news);
    } else if (incarnation >= peer.incarnation && !isGone(peer.state)) {
      this.#bury(peer, "down", incarnation, by);
    } else if (incarnation > peer.incarnation) {
      peer.incarnation = incarnation;
      this.#ground.spread(news);
    }
  }

  #hearLeft(peer: Peer | undefined, news: News): void {
    if (peer === undefined) {
      const met = this.#meet(news);
      if (met !== undefined) this.#ground.spread(news);
    } else if (news.incarnation >= peer.incarnation && peer.state !== "left") {
      this.#bury(peer, "left", news.incarnation, "");
    } else if (news.incarnation > peer.incarnation) peer.incarnation = news.incarnation;
  }

  #bury(peer: Peer, state: "down" | "left", incarnation: number, by: string): void {
    const ground = this.#ground;
    const { id } = peer;
    this.#unsuspect(peer);
    peer.incarnation = incarnation;
    ground.roster.move(peer, state, ground.nowMs);
    ground.spread({ kind: state, id, incarnation, address: "", data: "", by });
    ground.tell(state, peer);
  }

  #unsuspect(peer: Peer): void {
    peer.suspicion = undefined;
    this.#ground.suspicions.remove(peer);
  }

  #meet(news: News): Peer | undefined {
    const { roster, nowMs, effects } = this.#ground;
    if (!roster.makeRoom()) {
      effects.push({ kind: "refused", why: "room" });
      return undefined;
    }
    const peer = roster.add(news.id, news.kind, news.incarnation, nowMs);
    peer.address = news.address;
    peer.data = news.data;
    return peer;
  }
}
